import ArgumentParser

/// The words after `belay`, put so that the parser understands them and says something useful when it cannot.
struct Invocation {
    private static let globals = ["--server", "-o", "--output"]

    private let words: [String]

    init(_ words: [String]) { self.words = words }

    /// Moves global options that stand before the command behind it.
    ///
    /// - Throws: ``CommandFailure/unknownCommand(_:near:)``; the parser itself would only say "unexpected".
    func arguments(for root: any ParsableCommand.Type) throws -> [String] {
        var rest = words[...]
        var moved: [String] = []
        while let word = rest.first, word.hasPrefix("-") {
            if Self.globals.contains(word), rest.count > 1 {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if word == "--json" || Self.globals.contains(where: { word.hasPrefix($0 + "=") }) {
                moved.append(word)
                rest = rest.dropFirst()
            } else {
                return words
            }
        }
        try checkCommands(rest, of: root)
        guard let end = rest.firstIndex(of: "--") else { return rest + moved }
        return rest[..<end] + moved + rest[end...]
    }

    private func checkCommands(_ words: ArraySlice<String>, of root: any ParsableCommand.Type) throws {
        var command = root
        for word in words {
            let children =
                command.configuration.subcommands
                + command.configuration.groupedSubcommands.flatMap(\.subcommands)
            guard !children.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
            guard let next = children.first(where: { $0.configuration.commandName == word }) else {
                throw CommandFailure.unknownCommand(
                    word,
                    known: children.compactMap { $0.configuration.commandName }
                )
            }
            command = next
        }
    }
}
