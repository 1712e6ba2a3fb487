import Glibc

/// How many files and connections the process may have open at a time, and who may have how many of them.
///
/// A server that has none left cannot even be told so: libraries give up, and take the process with them.
struct DescriptorLimit: Equatable, Sendable {
    private static let mostOfControl = 4096
    private static let mostOfFiles = 4096

    /// What the system allows.
    let whole: Int

    /// Connections to the control API, a quarter at most; an upload needs a file besides.
    var ofControl: Int { min(Self.mostOfControl, whole / 4) }

    /// Connections to the gateway, as far as files and the control API leave any.
    var ofGateway: Int { whole - ofControl - min(Self.mostOfFiles, whole / 4) }

    /// Takes all that the system allows, which by default is more than it gives.
    static func raised() -> DescriptorLimit {
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return DescriptorLimit(whole: 1024) }
        let given = limit
        limit.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(kind, &limit) == 0
        return DescriptorLimit(whole: Int(clamping: isRaised ? limit.rlim_cur : given.rlim_cur))
    }
}
