//! What stands on the wire is what OSS knows, and the bytes of the file.
