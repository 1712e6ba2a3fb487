import Glibc

@testable import BelayInference

/// A file that claims to be a model: which other files it would have read.
func tryModelFile(_ input: [UInt8]) {
    let path = "/dev/shm/belay-fuzz-\(getpid()).onnx"
    let file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    let written = input.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    close(file)
    defer { unlink(path) }
    guard written == input.count, let locations = try? ONNXFile.externalLocations(path: path) else { return }
    let isBounded = locations.allSatisfy { $0.utf8.count <= ONNXFile.mostLocationBytes }
    precondition(isBounded, "a location longer than is taken")
}
