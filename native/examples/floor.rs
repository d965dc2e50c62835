//! The least that verifying costs: hashing messages of given lengths, and nothing else.
//!
//!     cargo run --release --no-default-features --example floor -- LANES LENGTHS RECORDS
//!
//! LENGTHS is a file of 32-bit little-endian numbers, the lengths of the messages that verifying so
//! many RECORDS hashes. With two LANES messages of like length are hashed two at a time. Prints the
//! seconds that one pass takes, the records, and 0.

use std::hint::black_box;
use std::time::Instant;

use qldb_replay_codec::sha256::{Hasher, pad};

const PASSES: u32 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lanes, lengths, records] = &arguments[..] else {
        panic!("expected LANES LENGTHS RECORDS");
    };
    let file = std::fs::read(lengths).expect("a file of lengths");
    let mut lengths: Vec<usize> =
        file.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize).collect();
    lengths.sort_unstable();
    let padded: Vec<Vec<u8>> = lengths.iter().map(|&length| padded(length)).collect();
    let mut hasher = Hasher::new();
    let started = Instant::now();
    for _ in 0..PASSES {
        if lanes == "2" {
            for pair in padded.chunks(2) {
                let (left, right) = (&pair[0], &pair[pair.len() - 1]);
                black_box(hasher.digest_pair(black_box(left), black_box(right)));
            }
        } else {
            for message in &padded {
                black_box(hasher.digest_padded(black_box(message)));
            }
        }
    }
    println!("{:.6} {records} 0", started.elapsed().as_secs_f64() / f64::from(PASSES));
}

fn padded(length: usize) -> Vec<u8> {
    let mut message = vec![0xA5; length];
    pad(&mut message, 0);
    message
}
