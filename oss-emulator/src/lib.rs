//! A local server that answers as Alibaba Cloud OSS does, verifies every signature, and misbehaves by script.
