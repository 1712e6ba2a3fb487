extension Policy {
    /// How labels are read, and where they find the prediction that they speak of.
    package struct Labels: Hashable, Codable, Sendable {
        package enum Kind: String, Hashable, Codable, CaseIterable, Sendable {
            case binary, multiclass, regression
        }

        /// The output compared with labels; nil leaves it to ``Signature/prediction(chosen:)``.
        package let output: String?
        /// The output with probabilities, for `log_loss` and `brier`.
        package let probability: String?
        /// Nil leaves it to the prediction's type and what guards ask for.
        package let kind: Kind?
        /// The class that precision, recall and F1 are of in a binary problem, as its label is written.
        package let positive: String?
        /// A score at or above this says ``positive``, a lower one the other class; nil when the output is
        /// the class itself.
        package let threshold: Double?
        /// The classes of a multiclass problem, in the order of their probabilities; at most
        /// ``LabelCell/mostClasses``.
        package let classes: [String]
        /// A label for an answer older than this is kept but no evidence, in milliseconds; nil: any age.
        package let joinWithinMilliseconds: Int64?
        /// How long labels usually take, in milliseconds: silence shorter than this is not blindness.
        package let typicalDelayMilliseconds: Int64?

        enum CodingKeys: String, CodingKey {
            case output, probability, kind, positive, threshold, classes
            case joinWithinMilliseconds = "join_within_ms"
            case typicalDelayMilliseconds = "typical_delay_ms"
        }

        package init(
            output: String?,
            probability: String? = nil,
            kind: Kind? = nil,
            positive: String? = nil,
            threshold: Double? = nil,
            classes: [String] = [],
            joinWithinMilliseconds: Int64? = nil,
            typicalDelayMilliseconds: Int64? = nil
        ) {
            self.output = output
            self.probability = probability
            self.kind = kind
            self.positive = positive
            self.threshold = threshold
            self.classes = classes
            self.joinWithinMilliseconds = joinWithinMilliseconds
            self.typicalDelayMilliseconds = typicalDelayMilliseconds
        }

        /// Ledgers of 0.1 know only the output.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                output: try container.decodeIfPresent(String.self, forKey: .output),
                probability: try container.decodeIfPresent(String.self, forKey: .probability),
                kind: try container.decodeIfPresent(Kind.self, forKey: .kind),
                positive: try container.decodeIfPresent(String.self, forKey: .positive),
                threshold: try container.decodeIfPresent(Double.self, forKey: .threshold),
                classes: try container.decodeIfPresent([String].self, forKey: .classes) ?? [],
                joinWithinMilliseconds: try container.decodeIfPresent(
                    Int64.self,
                    forKey: .joinWithinMilliseconds
                ),
                typicalDelayMilliseconds: try container.decodeIfPresent(
                    Int64.self,
                    forKey: .typicalDelayMilliseconds
                )
            )
        }

        /// What is as usual is not written.
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeIfPresent(output, forKey: .output)
            try container.encodeIfPresent(probability, forKey: .probability)
            try container.encodeIfPresent(kind, forKey: .kind)
            try container.encodeIfPresent(positive, forKey: .positive)
            try container.encodeIfPresent(threshold, forKey: .threshold)
            if !classes.isEmpty { try container.encode(classes, forKey: .classes) }
            try container.encodeIfPresent(joinWithinMilliseconds, forKey: .joinWithinMilliseconds)
            try container.encodeIfPresent(typicalDelayMilliseconds, forKey: .typicalDelayMilliseconds)
        }

        /// The classes that ``LabelCell`` counts apart: those that are named, or the positive one.
        package var namedClasses: [String] { classes.isEmpty ? positive.map { [$0] } ?? [] : classes }
    }
}
