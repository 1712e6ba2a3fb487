/// One request to a server that is not Belay's: a webhook, a monitor's query.
///
/// The address was written by a person into a policy, so it is not to be trusted: the one who sends it looks
/// the host up, refuses addresses that lie in this house (unless told otherwise), and connects to the very
/// address that was looked at. Redirects are never followed.
package struct OutgoingRequest: Equatable, Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    package struct Header: Hashable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Answers beyond this are cut off: nobody needs more of them.
    package static let mostAnswerBytes = 1 << 20

    package let method: Method
    /// `http` or `https`, with a host; no user, and a fragment is left out.
    package let url: String
    package let headers: [Header]
    package let body: [UInt8]
    /// Whether the host may lie in a private network or on this machine.
    package let allowsPrivate: Bool
    /// For everything: looking up, connecting, shaking hands, and the whole answer.
    package let timeout: Duration
    /// The answer's body is read up to so many bytes, at most ``mostAnswerBytes``.
    package let answerBytes: Int

    package init(
        method: Method,
        url: String,
        headers: [Header],
        body: [UInt8],
        allowsPrivate: Bool,
        timeout: Duration,
        answerBytes: Int
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.allowsPrivate = allowsPrivate
        self.timeout = timeout
        self.answerBytes = min(max(0, answerBytes), Self.mostAnswerBytes)
    }
}

/// What the other server said, whatever its status.
package struct OutgoingAnswer: Equatable, Sendable {
    package let status: Int
    /// At most as many bytes as were asked for.
    package let body: [UInt8]
    /// Whether there was more of the body.
    package let isCut: Bool

    package init(status: Int, body: [UInt8], isCut: Bool = false) {
        self.status = status
        self.body = body
        self.isCut = isCut
    }
}

/// The seam through which Belay calls servers that are not its own.
package protocol OutgoingHTTP: Sendable {
    /// Sends the request once; tries nothing again.
    ///
    /// - Throws: ``OutgoingFailure`` when there was no answer. It never holds more of the URL than its host,
    ///   for the rest may be a secret.
    func send(_ request: OutgoingRequest) async throws(OutgoingFailure) -> OutgoingAnswer
}

/// Why there was no answer.
package enum OutgoingFailure: Error, Equatable, Sendable {
    /// It is no URL that can be called.
    case badURL
    /// Belay may not call the address that the host has.
    case forbidden(host: String, why: AddressRule.Refused)
    case unknownHost(String)
    case unreachable(host: String, reason: String)
    case insecure(host: String, reason: String)
    case timedOut(host: String)
    /// What came was not HTTP, or ended in the middle.
    case badAnswer(host: String)
}

extension OutgoingFailure: Explainable {
    package var category: FailureCategory {
        switch self {
        case .badURL: .invalid
        case .forbidden: .refused
        case .unknownHost, .unreachable, .insecure, .timedOut, .badAnswer: .unavailable
        }
    }

    package var explanation: Explanation {
        switch self {
        case .badURL:
            Explanation(
                code: "outgoing.bad-url",
                summary: "An address to call is not an http or https URL.",
                remedy: "Correct it in the policy, or where its secret is kept."
            )
        case .forbidden(let host, let why):
            Explanation(
                code: "outgoing.forbidden",
                summary: "\(host) was not called: its address is \(why.words)"
                    + (why.mayBeMeant ? ", and its target in the policy does not say `private: true`." : "."),
                remedy: why.mayBeMeant
                    ? "Use a public address, or add `private: true` to the target." : "Use another address."
            )
        case .unknownHost(let host):
            Explanation(
                code: "outgoing.unknown-host",
                summary: "No address was found for \(host).",
                remedy: "Check the name, and this machine's resolver."
            )
        case .unreachable(let host, let reason):
            Explanation(
                code: "outgoing.unreachable",
                summary: "\(host) could not be reached: \(reason).",
                remedy: "Check that it is up and that this machine may reach it."
            )
        case .insecure(let host, let reason):
            Explanation(
                code: "outgoing.insecure",
                summary: "No secure connection to \(host) was made: \(reason).",
                remedy: "Check its certificate and this machine's certificate authorities."
            )
        case .timedOut(let host):
            Explanation(
                code: "outgoing.timed-out",
                summary: "\(host) did not answer in time.",
                remedy: "Check that it is up; what was to be sent may be tried again."
            )
        case .badAnswer(let host):
            Explanation(
                code: "outgoing.bad-answer",
                summary: "What \(host) answered is not HTTP.",
                remedy: "Check that the address is that of an HTTP server."
            )
        }
    }
}
