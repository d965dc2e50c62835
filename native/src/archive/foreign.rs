//! What else lies in buckets: journal exports, and files that are no archive at all.
//!
//! Such an object is one segment from its first byte to its last: a Parquet file may well hold
//! records, but it is not their archive.

use std::borrow::Cow;

use memchr::memmem;

use crate::archive::segments::Kind;
use crate::ion::framing::{IVM, value_end};

/// Bytes of an object's beginning that are looked at.
pub const HEAD_BYTES: usize = 65_536;

const TEXT_BYTES: usize = 64;
const SIGNATURES: [(&[u8], &str); 14] = [
    (b"PAR1", "Parquet"),
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
    (b"SEQ\x06", "a Hadoop sequence file"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF-", "PDF"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x7fELF", "a program"),
];
const BLOCK_FIELD: &[u8] = b"blockAddress";
const MANIFEST_FIELDS: [&[u8]; 5] =
    [b"ledgerName", b"exportId", b"inclusiveStartTime", b"exclusiveEndTime", b"keys"];
const STREAM_FIELDS: [&[u8]; 3] = [b"qldbStreamArn", b"recordType", b"payload"];

/// An object that is no stream archive.
pub struct Foreign {
    /// [`Kind::Export`] for a journal export, else [`Kind::Damage`].
    pub kind: Kind,
    /// What it looks like.
    pub reason: Cow<'static, str>,
}

/// Recognises an object that is no stream archive by the first [`HEAD_BYTES`] of its content.
///
/// None if it may be an archive, or is unknown.
pub fn recognise(head: &[u8]) -> Option<Foreign> {
    let export = |reason| Some(Foreign { kind: Kind::Export, reason: Cow::Borrowed(reason) });
    match first_field(head) {
        Some((BLOCK_FIELD, b"\"")) => return export("export: blocks as JSON"),
        Some((BLOCK_FIELD, _)) => return export("export: blocks as Ion text"),
        Some(_) => return export("export: manifest"),
        None => {}
    }
    if head.starts_with(&IVM) && is_binary_export(head) {
        return export("export: blocks as binary Ion");
    }
    let name = signature(head)?;
    Some(Foreign { kind: Kind::Damage, reason: format!("looks like {name}").into() })
}

/// Says what bytes look like that are no record.
pub fn describe(head: &[u8]) -> Cow<'static, str> {
    let name = signature(head).or_else(|| {
        let first = &head[..head.len().min(TEXT_BYTES)];
        let text = first.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..));
        let json = first.starts_with(b"{");
        text.then_some(if json { "JSON that is no Firehose error line" } else { "text" })
    });
    name.map_or("no record begins here".into(), |name| format!("looks like {name}").into())
}

fn signature(head: &[u8]) -> Option<&'static str> {
    SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)).map(|&(_, name)| name)
}

/// Reads a known field that a struct of text begins with; gives its name and quotation mark.
fn first_field(head: &[u8]) -> Option<(&'static [u8], &[u8])> {
    let rest = without_space(head);
    let rest = rest.strip_prefix(b"$ion_1_0").map_or(rest, without_space);
    let rest = without_space(rest.strip_prefix(b"{")?);
    let quotes = usize::from(matches!(rest, [b'"' | b'\'', ..]));
    let (quote, rest) = rest.split_at(quotes);
    let mut names = [BLOCK_FIELD].into_iter().chain(MANIFEST_FIELDS);
    let name = names.find(|name| rest.starts_with(name))?;
    let behind = without_space(rest[name.len()..].strip_prefix(quote)?);
    behind.starts_with(b":").then_some((name, quote))
}

fn without_space(bytes: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    &bytes[bytes.iter().take_while(|byte| space(byte)).count()..]
}

/// Tells whether the first symbol table names a block's fields and no stream record's.
///
/// QLDB: a record of a stream has the fields qldbStreamArn, recordType and payload around what an
/// export gives bare.
fn is_binary_export(head: &[u8]) -> bool {
    let end = value_end(head, IVM.len(), head.len()).unwrap_or(head.len());
    let names = |name| memmem::find(&head[IVM.len()..end], name).is_some();
    names(BLOCK_FIELD) && !STREAM_FIELDS.into_iter().any(names)
}
