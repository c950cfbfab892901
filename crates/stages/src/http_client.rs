//! The client that asks captcha providers; it stands in the API's shared state.

pub use vestibule_http_client::HttpClient;
