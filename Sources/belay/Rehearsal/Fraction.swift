import ArgumentParser

/// A number that people write as `0.005` or as `0.5%`, correctly rounded either way.
struct Fraction: ExpressibleByArgument, Equatable {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        var bytes = Array(argument.utf8)
        guard bytes.last == UInt8(ascii: "%") else {
            guard let value = finiteNumber(bytes[...]) else { return nil }
            self.value = value
            return
        }
        bytes.removeLast()
        // The text is shifted, not the number: dividing by a hundred would round a second time.
        let isShort = !bytes.contains(UInt8(ascii: "e")) && !bytes.contains(UInt8(ascii: "E"))
        guard let percent = finiteNumber(bytes[...]) else { return nil }
        value =
            isShort ? Double(String(decoding: bytes, as: UTF8.self) + "e-2") ?? percent / 100 : percent / 100
    }

    var defaultValueDescription: String { "\(value)" }
}

/// How the commands that ask no server write their result.
struct FormOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How results are written: table or json.")
    var output: ServerOptions.Form = .table

    @Flag(help: "The same as -o json.")
    var json = false

    var form: ServerOptions.Form { json ? .json : output }

    /// Writes the result: the view itself as one line of JSON, or what a person reads.
    func show(_ view: some Encodable, table: (Look) -> String) throws {
        switch form {
        case .json: Stream.output.line(try jsonLine(view))
        case .table: Stream.output.write(table(Look(.output)))
        }
    }
}
