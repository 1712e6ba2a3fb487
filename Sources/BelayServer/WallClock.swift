package import BelayCore
import Foundation

/// The one place where the wall clock is read.
package func wallClock() -> Timestamp {
    let now = Date()  // tidy: wall clock
    return Timestamp(milliseconds: Int64(now.timeIntervalSince1970 * 1000))
}
