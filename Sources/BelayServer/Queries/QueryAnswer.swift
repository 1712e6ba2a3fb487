import BelayCore
import Foundation

private func whole(_ seconds: Double) -> String { Int(exactly: seconds.rounded()).map(String.init) ?? "many" }

/// What a Prometheus server says to one query.
enum QueryAnswer: Equatable, Sendable {
    case value(Double)
    /// Nothing, or a number that is none; in words.
    case missing(String)
    /// Why the answer is no single number.
    case unusable(String)

    /// In seconds.
    private static let oldest = 60.0

    /// Reads the answer of `/api/v1/query`: a scalar, or a vector of one sample.
    ///
    /// NaN, infinities and an empty vector are missing. Several samples are not added up: which of them was
    /// meant is for the query to say. An answer of another time than now was kept by something in between, or
    /// one of the clocks is wrong.
    init(status: Int, body: [UInt8], now: Timestamp) {
        guard let answer = try? JSONDecoder().decode(Body.self, from: Data(body)) else {
            self = .unusable("it answered \(status), and not as Prometheus does")
            return
        }
        guard answer.status == "success", let data = answer.data else {
            self = .unusable("it refused the query: \(String((answer.error ?? "\(status)").prefix(200)))")
            return
        }
        switch data {
        case .samples(let points) where points.count > 1:
            self = .unusable("the query gives \(points.count) series; it must give one")
        case .samples(let points):
            guard let point = points.first else {
                self = .missing("the query finds no series (is the metric's name right, and is it scraped?)")
                return
            }
            let age = Double(now.milliseconds) / 1000 - point.time
            self =
                abs(age) > Self.oldest
                ? .unusable(
                    "its answer is of \(whole(abs(age))) s \(age > 0 ? "ago" : "ahead") "
                        + "(a cache, or a wrong clock?)"
                ) : Self(point.value)
        case .other(let type): self = .unusable("the query gives a \(type.prefix(40)), not one number")
        }
    }

    private init(_ text: String) {
        // Prometheus writes NaN, +Inf and -Inf, which no limit can be held against.
        self =
            Double(text).flatMap { $0.isFinite ? .value($0) : nil }
            ?? .missing("the query gives \(text.prefix(40)), which is no number")
    }

    private struct Body: Decodable {
        let status: String
        let error: String?
        let data: Result?
    }

    private enum Result: Decodable {
        case samples([Point])
        case other(String)

        enum CodingKeys: String, CodingKey {
            case resultType, result
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let type = try container.decode(String.self, forKey: .resultType)
            switch type {
            case "scalar": self = .samples([try container.decode(Point.self, forKey: .result)])
            case "vector":
                let samples = try container.decode([Sample].self, forKey: .result)
                self = .samples(samples.map(\.value))
            default: self = .other(type)
            }
        }
    }

    private struct Sample: Decodable {
        let value: Point
    }

    /// A time and a number as text.
    private struct Point: Decodable {
        let time: Double
        let value: String

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            time = try container.decode(Double.self)
            value = try container.decode(String.self)
        }
    }
}
