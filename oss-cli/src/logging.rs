//! A log on stderr, only when `-v` or `OSS_LOG` asks for it.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Begins to log: `OSS_LOG` holds a filter (`debug`, `oss_resumable=trace`), `-v` is `debug`, `-vv` is `trace`.
pub(crate) fn start(verbose: u8) {
    let filter = std::env::var("OSS_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = match (filter, verbose) {
        (Some(filter), _) => filter,
        (None, 0) => return,
        (None, 1) => "debug".to_owned(),
        (None, _) => "trace".to_owned(),
    };
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|no_color| no_color.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        // Told on stderr too, where it cannot be told, which would be a panic.
        .log_internal_errors(false)
        .init();
}
