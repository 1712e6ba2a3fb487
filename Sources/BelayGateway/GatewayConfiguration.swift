package import NIOCore

/// Where a gateway listens and how much it lets one caller ask of it.
///
/// Every wait and every buffer has a bound here, so that no caller and no model can use up the process. How
/// many event loops there are is not said here: the group that the gateway is given decides it.
package struct GatewayConfiguration: Sendable {
    package var host: String
    /// 0 asks the system for a free port; ``Gateway/start()`` returns the one it gave.
    package var port: Int
    /// Longest request body that is read, in bytes.
    package var bodyLimit: Int
    /// Longest list of header fields, names and values together, in bytes.
    package var headerBytesLimit: Int
    package var headerFieldLimit: Int
    /// Connections beyond this many are closed as soon as they are accepted.
    package var maxConnections: Int
    /// How long a connection may stay without a whole request head.
    package var idleTimeout: TimeAmount
    /// How long a request's body may take to arrive.
    package var bodyTimeout: TimeAmount
    /// How much of a refused body is read and thrown away, so that its client comes to read the refusal.
    package var discardLimit: Int
    /// How long that may take.
    package var discardTimeout: TimeAmount
    /// Bytes of bodies that all connections together may hold.
    package var bodiesLimit: Int
    /// Bodies longer than this are not looked into on an event loop, in bytes.
    package var readLimit: Int
    /// How long a connection may stay silent once the gateway stops: whoever asks again within it is
    /// answered, and told to go.
    package var lingerTimeout: TimeAmount
    /// How long ``Gateway/shutdown()`` waits for requests in flight.
    package var drainTimeout: TimeAmount
    /// What `GET /version` says.
    package var version: String
    /// Runs at a time, per loaded version.
    package var laneThreads: Int
    /// Requests that may wait for one version; beyond it the version counts as overloaded.
    package var laneWaiting: Int
    /// Sticky units remembered per release; further new ones are not counted as evidence.
    package var unitLimit: Int

    /// The limits for production; what differs between servers is only where they listen.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
        bodyLimit = 32 << 20
        headerBytesLimit = 64 << 10
        headerFieldLimit = 100
        maxConnections = 10_000
        idleTimeout = .seconds(60)
        bodyTimeout = .seconds(30)
        discardLimit = 256 << 20
        discardTimeout = .seconds(10)
        bodiesLimit = 512 << 20
        readLimit = 64 << 10
        lingerTimeout = .seconds(1)
        drainTimeout = .seconds(25)
        version = "0"
        laneThreads = 2
        laneWaiting = 1024
        unitLimit = 1_000_000
    }

    /// How exactly the patience with connections is kept.
    var pulse: TimeAmount {
        let shortest = min(idleTimeout, bodyTimeout, discardTimeout, lingerTimeout)
        return max(.milliseconds(5), min(.seconds(1), shortest))
    }
}
