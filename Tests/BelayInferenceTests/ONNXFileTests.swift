import Foundation
import Testing

@testable import BelayInference

@Suite("ONNXFile")
struct ONNXFileTests {
    /// Writes `bytes` as a file and reads the locations in it.
    func locations(in bytes: [UInt8]) throws -> Set<String> {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("belay-\(UUID()).onnx")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try ONNXFile.externalLocations(path: file.path)
    }

    func contents(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: Fixture.files.appendingPathComponent(name)))
    }

    /// A length-delimited field.
    func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        varint(UInt64(number << 3 | 2)) + varint(UInt64(content.count)) + content
    }

    func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
    }

    func tensor(at location: String) -> [UInt8] {
        field(13, field(1, Array("location".utf8)) + field(2, Array(location.utf8)))
    }

    @Test func aTensorIsFoundWhereverItStands() throws {
        let (dense, sparse) = (
            tensor(at: "dense"), field(1, tensor(at: "values")) + field(2, tensor(at: "indices"))
        )
        let attributes = [
            field(5, dense), field(10, dense), field(22, sparse), field(23, sparse),
            field(6, field(5, dense)), field(11, field(15, sparse)),
        ]
        for attribute in attributes {
            let node = field(5, attribute)
            let homes = [
                field(7, field(1, node)), field(25, field(7, node)), field(20, field(1, field(1, node))),
                field(20, field(2, field(1, node))), field(25, field(11, attribute)),
                field(7, field(1, field(5, field(6, field(1, node))))),
            ]
            for home in homes {
                let found = try locations(in: home)
                #expect(found == ["dense"] || found == ["values", "indices"])
            }
        }
        #expect(
            try locations(in: field(7, field(5, dense) + field(15, sparse))) == [
                "dense", "values", "indices",
            ]
        )
    }

    @Test func aLocationCannotHideBehindAnother() throws {
        let entry =
            field(2, Array("inside".utf8)) + field(1, Array("offset".utf8)) + field(1, Array("location".utf8))
            + field(2, Array("../outside".utf8))
        #expect(try locations(in: field(7, field(5, field(13, entry)))) == ["inside", "../outside"])
    }

    @Test(arguments: ["external-in-subgraph", "external-sparse-value", "external-in-function"])
    func changedOrCutAnywhereItNeverTraps(name: String) throws {
        let fixture = try Fixture(name)
        let (bytes, path) = (try contents("\(name).onnx"), fixture.url("model.onnx").path)
        let file = try known(FileHandle(forUpdatingAtPath: path))
        for index in bytes.indices {
            for byte: UInt8 in [0, 0x7f, 0x80, 0xff, bytes[index]] {
                try file.seek(toOffset: UInt64(index))
                try file.write(contentsOf: [byte])
                _ = try? ONNXFile.externalLocations(path: path)
            }
        }
        for length in bytes.indices.reversed() {
            try file.truncate(atOffset: UInt64(length))
            _ = try? ONNXFile.externalLocations(path: path)
        }
    }

    @Test func lengthsAreNotBelieved() {
        let huge = [0x3a] + varint(.max), big = [0x3a] + varint(1 << 31),
            tags = [UInt8](repeating: 0xff, count: 12)
        let wideTag = varint(1 << 32 | 0x3a) + [0], group: [UInt8] = [0x3b, 0x3c],
            zero: [UInt8] = [0x00, 0x00]
        for bytes in [huge, big, tags, wideTag, group, zero, [0x39, 1, 2], [0x3d, 1]] {
            #expect(throws: InferenceError.self) { try locations(in: bytes) }
        }
    }

    @Test func depthIsLimited() {
        var graph: [UInt8] = []
        for _ in 0..<40 { graph = field(1, field(5, field(6, graph))) }
        #expect(throws: InferenceError.self) { try locations(in: field(7, graph)) }
    }

    @Test func anAddressInMemoryIsNoLocationWhateverTheFilesAreCalled() throws {
        let location = "*/_ORT_MEM_ADDR_/*"
        let entry = try Fixture.path("model.onnx")
        let data = ExternalData(entry: entry, files: [location, "weights.bin"])
        #expect(throws: InferenceError.self) { try data.check(location, of: entry) }
        #expect(throws: InferenceError.self) { try data.check("./weights.bin", of: entry) }
        #expect(throws: InferenceError.self) { try data.check("", of: entry) }
        try data.check("weights.bin", of: entry)
    }

    @Test func ordinaryModelsHaveNoLocations() throws {
        for name in ["mixed.onnx", "slow.onnx", "regressor.onnx"] {
            #expect(try locations(in: contents(name)).isEmpty)
        }
        #expect(try locations(in: contents("external-data/model.onnx")) == ["weights.bin"])
    }
}
