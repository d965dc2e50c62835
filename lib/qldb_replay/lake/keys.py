"""The columns that tell blocks, documents and revisions apart, in all tables of the lake."""

BLOCK_KEYS = ("strand_id", "sequence_no")
DOCUMENT_KEYS = ("strand_id", "document_id")
REVISION_KEYS = (*DOCUMENT_KEYS, "version")
