//! SHA-256 of messages that are whole in memory.

use sha2::{Digest as _, Sha256};

/// A hash.
pub type Digest = [u8; 32];

/// Hashes a message.
pub fn digest(message: &[u8]) -> Digest {
    Sha256::digest(message).into()
}
