//! A route that does nothing, in a process of its own: what the machine, the kernel and axum allow at most.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::Problem;
use crate::process::Who;

/// About as long as a first challenge.
const BODY: &str = r#"{"flow_info":{"title":"Welcome to authentik!","background":"/static/dist/assets/images/flow_background.jpg","background_themed_urls":null,"cancel_url":"/flows/-/cancel/","layout":"stacked"},"component":"ak-stage-identification","user_fields":["email","username"],"pending_user_identifier":null,"password_fields":false,"allow_show_password":false,"flow_designation":"authentication","captcha_stage":null,"primary_action":"Log in","sources":[],"show_source_labels":false,"enable_remember_me":false,"passkey_challenge":null}"#;

/// Serves the route until the process is killed.
pub(crate) fn run() -> Result<(), Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, Router::new().route("/", get(|| async { BODY }))).await?;
        Ok(())
    })
}

/// The route, in a process of its own that is killed when this is dropped.
pub(crate) struct Bare {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Bare {
    /// Starts this program again, as the route.
    pub(crate) fn start() -> Result<Self, Problem> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("bare").stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("the bare route does not start: {error}").into())
            }
        }
    }

    /// The process, for its figures.
    pub(crate) fn process(&self) -> Who {
        Who::Process(self.child.id())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
