"""One upload by alibabacloud-oss-v2, the second official Python SDK, for `cargo xtask bench`."""

import os
import sys

import alibabacloud_oss_v2 as oss

file, bucket, key, endpoint, part_size, parallel, checkpoints = sys.argv[1:]

config = oss.config.load_default()
config.credentials_provider = oss.credentials.EnvironmentVariableCredentialsProvider()
config.region = "cn-hangzhou"
config.endpoint = endpoint
config.use_path_style = True

uploader = oss.Client(config).uploader(
    part_size=int(part_size),
    parallel_num=int(parallel),
    leave_parts_on_error=True,
    enable_checkpoint=True,
    # It takes the folder that this path is in.
    checkpoint_dir=os.path.join(checkpoints, ""),
)
uploader.upload_file(oss.PutObjectRequest(bucket=bucket, key=key), filepath=file)
