import Crypto
import Foundation

/// The name of some bytes, as a client of the API computes it.
func digestText(_ bytes: Data) -> String {
    "sha256:"
        + SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
