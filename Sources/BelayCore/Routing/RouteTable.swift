/// What every gateway needs in order to answer, as one immutable value.
///
/// A pure function of ``State``; equal epochs mean equal tables.
package struct RouteTable: Equatable, Sendable {
    package let epoch: Epoch
    /// By model, since the data plane of one process serves one environment.
    package let routes: [ModelName: Route]

    package init(epoch: Epoch, routes: [ModelName: Route]) {
        self.epoch = epoch
        self.routes = routes
    }

    package static let empty = RouteTable(epoch: Epoch(0), routes: [:])
}

/// How requests for one endpoint are answered.
package struct Route: Equatable, Sendable {
    /// The version on trial, and which part of requests it gets.
    package struct Candidate: Equatable, Sendable {
        package let version: VersionNumber
        package let release: ReleaseID
        package let share: Share
        package let salt: Salt

        package init(version: VersionNumber, release: ReleaseID, share: Share, salt: Salt) {
            self.version = version
            self.release = release
            self.share = share
            self.salt = salt
        }
    }

    package let endpoint: EndpointID
    /// Nil before the first release has been promoted.
    package let stable: VersionNumber?
    /// The release that made the stable version stable.
    package let stableRelease: ReleaseID?
    package let candidate: Candidate?
    /// Former stables that stay loaded, newest first.
    package let standbys: [VersionNumber]
    /// Versions that a rollback took out: no request may be answered by them.
    package let withdrawn: Set<VersionNumber>
    package let serving: ServingSettings

    package init(
        endpoint: EndpointID,
        stable: VersionNumber?,
        stableRelease: ReleaseID?,
        candidate: Candidate?,
        standbys: [VersionNumber],
        withdrawn: Set<VersionNumber>,
        serving: ServingSettings
    ) {
        self.endpoint = endpoint
        self.stable = stable
        self.stableRelease = stableRelease
        self.candidate = candidate
        self.standbys = standbys
        self.withdrawn = withdrawn
        self.serving = serving
    }

    /// Every version that some request may reach through this route.
    package var answering: Set<VersionNumber> {
        Set(standbys + [stable, candidate?.version].compactMap { $0 }).subtracting(withdrawn)
    }
}

/// How requests are read and how long they may take; the `serving` part of a policy.
package struct ServingSettings: Hashable, Codable, Sendable {
    /// What sticks to one version.
    package enum Unit: Hashable, Sendable, TextCoded {
        /// Each request is tossed anew.
        case request
        /// The value of a request header; its name in lower case.
        case header(String)
        /// The scalar at a JSON pointer (RFC 6901) into the request body.
        case pointer(String)

        /// Reads `request`, `header:X-User` or `/parameters/user_id`; nil for anything else.
        package init?(_ text: String) {
            if text == "request" {
                self = .request
            } else if text.hasPrefix("/"), text.utf8.count <= 256 {
                self = .pointer(text)
            } else if text.hasPrefix("header:") {
                let name = text.dropFirst(7).lowercased()
                let legal = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
                guard (1...64).contains(name.utf8.count), legal else { return nil }
                self = .header(name)
            } else {
                return nil
            }
        }

        package var description: String {
            switch self {
            case .request: "request"
            case .header(let name): "header:\(name)"
            case .pointer(let pointer): pointer
            }
        }
    }

    package let unit: Unit
    /// Longest time one request may take, fallbacks included, in milliseconds.
    package let timeoutMilliseconds: Int

    enum CodingKeys: String, CodingKey {
        case unit
        case timeoutMilliseconds = "timeout_ms"
    }

    package init(unit: Unit, timeoutMilliseconds: Int) {
        self.unit = unit
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    package static let standard = ServingSettings(unit: .request, timeoutMilliseconds: 5000)
}
