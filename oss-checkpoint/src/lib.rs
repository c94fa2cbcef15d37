//! What a resumable upload is when nothing runs: its nouns, their bytes, and the journal that keeps them.
