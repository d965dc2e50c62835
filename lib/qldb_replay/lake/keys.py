"""The columns that tell blocks, documents and revisions apart, in all tables of the lake.

What tells most comes first: Spark's sorts compare eight bytes of the first column, and whole rows
only where these are the same, as a strand's ID is in all rows of most lakes.
"""

BLOCK_KEYS = ("sequence_no", "strand_id")
DOCUMENT_KEYS = ("document_id", "strand_id")
REVISION_KEYS = (*DOCUMENT_KEYS, "version")
