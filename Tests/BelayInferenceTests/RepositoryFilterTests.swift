import BelayInference
import Testing

@Suite struct RepositoryFilterTests {
    @Test(arguments: [
        ("", false), ("  ", false), ("{}", false), (#"{"ready":true}"#, true),
        (#" {"a":[1,{}],"ready":false} "#, false),
    ])
    func aBodyIsRead(body: String, onlyReady: Bool) throws {
        #expect(try RepositoryFilter.decode(Array(body.utf8)).onlyReady == onlyReady)
    }

    @Test(arguments: ["[]", "null", #"{"ready":1}"#, #"{"ready":{}}"#, "{", "{} {}", "x"])
    func whatIsNoFilterIsRefused(body: String) {
        #expect(throws: InferenceError.self) { try RepositoryFilter.decode(Array(body.utf8)) }
    }
}
