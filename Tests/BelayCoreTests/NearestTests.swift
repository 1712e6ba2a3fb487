import BelayCore
import Testing

@Suite("Nearest")
struct NearestTests {
    @Test(arguments: [
        ("fruad", ["fraud", "churn"], "fraud"), ("frau", ["fraud", "churn"], "fraud"),
        ("frauds", ["fraud", "churn"], "fraud"), ("frxud", ["fraud"], "fraud"),
        ("xfraud", ["fraud"], "fraud"),
        ("Fraud", ["fraud"], "fraud"), ("churm", ["churn", "churns"], "churn"),
        ("min_sample", ["min_samples", "share"], "min_samples"), ("guard", ["guards", "gates"], "guards"),
        ("aab", ["aac", "aad"], "aac"),
    ])
    func aSlipOfTheFingerIsUnderstood(word: String, known: [String], meant: String) {
        #expect(nearest(word, among: known) == meant)
    }

    @Test(arguments: [
        ("fraud", []), ("fraud", ["churn"]), ("abc", ["xyz"]), ("ab", ["xy"]), ("fraud", ["fr"]),
        ("", ["abc"]),
        ("abc", [""]), ("abcd", ["wxyd"]),
    ])
    func somethingElseIsNotGuessed(word: String, known: [String]) {
        #expect(nearest(word, among: known) == nil)
    }

    @Test func hostileLengthsCostLittle() {
        let long = String(repeating: "a", count: 1_000_000)
        #expect(nearest(long, among: ["fraud"]) == nil)
        #expect(nearest("fraud", among: [long]) == nil)
    }

    @Test func theChoiceDoesNotHangOnTheOrder() {
        let known = ["bb", "ba", "bc", "bd"]
        #expect(nearest("be", among: known) == nearest("be", among: known.reversed()))
    }

    @Test func modelsAreFoundByTheirNames() {
        let known = ["fraud", "churn"].compactMap { ModelName($0) }
        #expect(nearest(legal(ModelName("fraude")), among: known) == fraud)
    }
}
