/// The shapes that the control API takes. Unknown keys are refused, so that a typing error is not a silence.

/// `POST /v1/models/{model}/versions`: the files have been put to `/v1/artifacts/{digest}` before.
package struct RegisterBody: Codable, Equatable, Sendable {
    package struct File: Codable, Equatable, Sendable {
        package let path: String
        package let size: Int64
        package let digest: String

        package init(path: String, size: Int64, digest: String) {
            self.path = path
            self.size = size
            self.digest = digest
        }
    }

    package let files: [File]
    package let label: String?
    package let metrics: [String: Double]?
    package let params: [String: String]?
    package let note: String?

    package init(
        files: [File],
        label: String?,
        metrics: [String: Double]?,
        params: [String: String]?,
        note: String?
    ) {
        self.files = files
        self.label = label
        self.metrics = metrics
        self.params = params
        self.note = note
    }
}

/// `POST /v1/releases/{id}/hold|resume|promote`, and the other acts that need no more than a reason.
package struct ReasonBody: Codable, Equatable, Sendable {
    package let reason: String?

    package init(reason: String?) { self.reason = reason }
}

/// `POST /v1/releases/{id}/waive`: the guards that are overridden, by name.
package struct WaiverBody: Codable, Equatable, Sendable {
    package let guards: [String]
    package let reason: String?

    package init(guards: [String], reason: String?) {
        self.guards = guards
        self.reason = reason
    }
}

/// `POST /v1/endpoints/{model}/rollback`; an empty body is fine.
package struct RollbackBody: Codable, Equatable, Sendable {
    package let to: VersionText?
    package let reason: String?

    package init(to: VersionText?, reason: String?) {
        self.to = to
        self.reason = reason
    }
}

/// `PUT /v1/models/{model}/aliases/{alias}`.
package struct AliasBody: Codable, Equatable, Sendable {
    package let version: VersionText
    package let reason: String?

    package init(version: VersionText, reason: String?) {
        self.version = version
        self.reason = reason
    }
}

/// `PUT /v1/endpoints/{model}/shadow`.
package struct ShadowBody: Codable, Equatable, Sendable {
    package let version: VersionText
    /// Per cent of requests that are copied; all of them unless said.
    package let share: Double?
    package let reason: String?

    package init(version: VersionText, share: Double?, reason: String?) {
        self.version = version
        self.share = share
        self.reason = reason
    }
}

/// A version as JSON brings it: the number `3`, or the text `"3"` or `"1.5.0"`.
package struct VersionText: Codable, Equatable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            text = String(number)
        } else {
            text = try container.decode(String.self)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let number = Int(text) {
            try container.encode(number)
        } else {
            try container.encode(text)
        }
    }
}

/// `PUT /v1/endpoints/{model}/automatic`.
package struct AutomaticBody: Codable, Equatable, Sendable {
    package let allowed: Bool
    package let reason: String?

    package init(allowed: Bool, reason: String?) {
        self.allowed = allowed
        self.reason = reason
    }
}

/// An error as RFC 9457 says it, with Belay's code, category and remedy.
package struct ProblemView: Codable, Equatable, Sendable {
    package struct Place: Codable, Equatable, Sendable {
        /// JSON pointer into the request body.
        package let pointer: String
        package let detail: String

        package init(pointer: String, detail: String) {
            self.pointer = pointer
            self.detail = detail
        }
    }

    package let type: String
    package let title: String
    package let status: Int
    package let code: String
    /// One of `FailureCategory`'s raw values; decides the exit code of the command line.
    package let category: String
    package let detail: String
    package let remedy: String
    package let errors: [Place]?

    package init(
        type: String,
        title: String,
        status: Int,
        code: String,
        category: String,
        detail: String,
        remedy: String,
        errors: [Place]?
    ) {
        self.type = type
        self.title = title
        self.status = status
        self.code = code
        self.category = category
        self.detail = detail
        self.remedy = remedy
        self.errors = errors
    }
}
