//! Alibaba Cloud OSS V4 signatures: pure functions of a request head, credentials and a time.
