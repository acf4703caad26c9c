//! What every proxy-wasm HTTP filter in Rust costs: the SDK with its callbacks, and nothing that they do.

#[cfg(target_arch = "wasm32")]
mod entry {
    use proxy_wasm::traits::{Context, HttpContext};

    proxy_wasm::main! {{
        proxy_wasm::set_http_context(|_, _| Box::new(Empty));
    }}

    struct Empty;

    impl Context for Empty {}
    impl HttpContext for Empty {}
}
