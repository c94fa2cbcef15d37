//! A sans-I/O state machine for resumable uploads to Alibaba Cloud OSS, its wire codec, and a ready driver.
