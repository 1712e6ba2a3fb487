import CFuzzer
import Glibc

/// `fuzz TARGET [libFuzzer's options] [corpus]`: bytes nobody sane would send, at one of Belay's readers.
///
/// A target says what must hold for every input; a trap, a sanitizer's report or a broken promise is a find.
@main
enum Fuzz {
    static let targets: [String: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt] = [
        "oip": { attempt($0, $1, tryRequest) },
        "answers": { attempt($0, $1, tryAnswer) },
        "policy": { attempt($0, $1, tryPolicy) },
        "http": { attempt($0, $1, tryHTTP) },
        "coding": { attempt($0, $1, tryCoding) },
        "labels": { attempt($0, $1, tryLabels) },
        "log": { attempt($0, $1, tryBlock) },
        "ledger": { attempt($0, $1, tryLedger) },
        "model": { attempt($0, $1, tryModelFile) },
    ]

    static func main() {
        let name = CommandLine.argc > 1 ? CommandLine.arguments[1] : ""
        guard let target = targets[name] else {
            print("usage: fuzz \(targets.keys.sorted().joined(separator: "|")) [options] [corpus]")
            exit(64)
        }
        var count = CommandLine.argc - 1
        // libFuzzer starts itself again for some options, by the first word.
        CommandLine.unsafeArgv[1] = CommandLine.unsafeArgv[0]
        var words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
        exit(LLVMFuzzerRunDriver(&count, &words, target))
    }
}

private func attempt(_ bytes: UnsafePointer<UInt8>?, _ count: Int, _ act: ([UInt8]) -> Void) -> CInt {
    act(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
