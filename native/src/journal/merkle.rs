//! QLDB's hash tree: two hashes to one, a list to its root.
//!
//! The ledger's digest is the root over the hashes of all blocks, a block's entries hash the root
//! over its list of entries, its revisions' root the root over its revision summaries.

use std::cmp::Ordering;

use crate::sha256::{Digest, Hasher};

/// A hash that may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hash(Option<Digest>);

impl Hash {
    /// No hash.
    pub const EMPTY: Hash = Hash(None);

    /// Takes a hash of 32 bytes; any other length counts as empty.
    pub fn new(bytes: &[u8]) -> Self {
        Hash(bytes.try_into().ok())
    }

    /// The hash's bytes, none if it is empty.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], Digest::as_slice)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        Hash(Some(digest))
    }
}

/// Joins two hashes; which comes first does not matter.
///
/// QLDB: the smaller one goes first, compared as signed bytes from the last byte to the first; an
/// empty hash leaves the other one as it is.
pub fn dot(hasher: &mut Hasher, left: Hash, right: Hash) -> Hash {
    match (left.0, right.0) {
        (Some(left), Some(right)) => hasher.digest_padded(&joined(&left, &right)).into(),
        (Some(only), None) | (None, Some(only)) => only.into(),
        (None, None) => Hash::EMPTY,
    }
}

/// The message whose digest joins two hashes, with its padding.
fn joined(left: &Digest, right: &Digest) -> [u8; 128] {
    let signed_order = |hash: &Digest| hash.map(|byte| byte as i8);
    let order = signed_order(left).into_iter().rev().cmp(signed_order(right).into_iter().rev());
    let (first, second) = if order == Ordering::Less { (left, right) } else { (right, left) };
    let mut message = [0; 128];
    message[..32].copy_from_slice(first);
    message[32..64].copy_from_slice(second);
    message[64] = 0x80;
    message[126..].copy_from_slice(&(8 * 64_u16).to_be_bytes());
    message
}

/// Computes the root of the tree over a list of hashes; empty where there is none.
///
/// QLDB: neighbours are joined with `dot`, an odd last one moves up unchanged, until one is left.
pub fn merkle_root(hasher: &mut Hasher, mut level: Vec<Hash>) -> Hash {
    while level.len() > 1 {
        let above = level_above(hasher, &mut level);
        level.truncate(above);
    }
    level.first().copied().unwrap_or(Hash::EMPTY)
}

/// Joins each pair of neighbours of one level of the tree, two pairs at once where four are there.
/// Gives the length of the level above, which replaces the beginning of this one.
fn level_above(hasher: &mut Hasher, level: &mut [Hash]) -> usize {
    for start in (0..level.len()).step_by(4) {
        let above = start / 2;
        match level[start..] {
            [Hash(Some(a)), Hash(Some(b)), Hash(Some(c)), Hash(Some(d)), ..] => {
                let pair = hasher.digest_pair(&joined(&a, &b), &joined(&c, &d));
                [level[above], level[above + 1]] = pair.map(Hash::from);
            }
            _ => {
                let end = level.len().min(start + 4);
                for (at, left) in (start..end).step_by(2).enumerate() {
                    let right = if left + 1 < end { level[left + 1] } else { Hash::EMPTY };
                    level[above + at] = dot(hasher, level[left], right);
                }
            }
        }
    }
    level.len().div_ceil(2)
}
