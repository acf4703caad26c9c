//! What a test asks of a browser, in its DevTools protocol: JSON over a WebSocket. Everything that the page, its workers and its service
//! worker request or complain of is kept.
//!
//! The protocol is spoken as it is: the crates around it generate sixty thousand lines for the dozen of commands here.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::Chromium;

/// How long a page may take to become what a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A tab of a browser, and whatever belongs to it. One at a time: whatever starts in the browser waits until it has listened.
pub struct Tab {
    socket: WebSocket<TcpStream>,
    session: String,
    last: u64,
    /// Addresses that were requested, by whomever.
    requests: Vec<String>,
    /// Errors, exceptions and violations of the policy.
    complaints: Vec<String>,
}

impl Tab {
    /// Opens one, for a reader of this language, such as `zh-CN`.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn open(browser: &Chromium, language: &str) -> Result<Self> {
        let address = browser.address();
        let host = address.split('/').next().unwrap_or_default();
        let (socket, _) = tungstenite::client(format!("ws://{address}"), TcpStream::connect(host)?)?;
        let mut tab = Self { socket, session: String::new(), last: 0, requests: Vec::new(), complaints: Vec::new() };
        let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        tab.call("Target.setAutoAttach", &attach)?;
        let target = at(&tab.call("Target.createTarget", &json!({"url": "about:blank"}))?, "/targetId");
        let attached = tab.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}))?;
        tab.session = text(&attached, "/sessionId");
        tab.call("Target.setAutoAttach", &attach)?;
        for domain in ["Page", "Network", "Log", "Runtime"] {
            tab.call(&format!("{domain}.enable"), &json!({}))?;
        }
        let agent = at(&tab.call("Browser.getVersion", &json!({}))?, "/userAgent");
        tab.call("Emulation.setUserAgentOverride", &json!({"userAgent": agent, "acceptLanguage": language}))?;
        Ok(tab)
    }

    /// Makes the tab a screen of this size, in light or dark.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn screen(&mut self, width: u32, height: u32, is_dark: bool) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &size)?;
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": if is_dark { "dark" } else { "light" }}]});
        self.call("Emulation.setEmulatedMedia", &scheme)?;
        Ok(())
    }

    /// Opens an address.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn go(&mut self, address: &str) -> Result<()> {
        let gone = self.call("Page.navigate", &json!({"url": address}))?;
        ensure!(at(&gone, "/errorText").is_null(), "{address}: {gone}");
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
    }

    /// Gives the value of an expression of JavaScript; of a promise, what it comes to.
    ///
    /// # Errors
    /// It throws.
    pub fn value(&mut self, expression: &str) -> Result<Value> {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let answer = self.call("Runtime.evaluate", &asked)?;
        ensure!(at(&answer, "/exceptionDetails").is_null(), "{expression}: {answer}");
        Ok(at(&answer, "/result/value"))
    }

    /// Waits until an expression holds.
    ///
    /// # Errors
    /// It does not in a minute.
    pub fn wait(&mut self, expression: &str) -> Result<()> {
        let begin = Instant::now();
        // While a page comes, it has nobody to ask.
        while self.value(expression).ok() != Some(Value::Bool(true)) {
            if begin.elapsed() > PATIENCE {
                let shown = self.value("document.body.innerText").unwrap_or_default();
                bail!("this did not come to be: {expression}; complaints: {:?}; the page: {shown}", self.complaints);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Gives files to an input, as a person does who chooses them.
    ///
    /// # Errors
    /// There is no such input.
    pub fn choose(&mut self, selector: &str, files: &[&str]) -> Result<()> {
        let found = self.call("Runtime.evaluate", &json!({"expression": format!("document.querySelector('{selector}')")}))?;
        let object = at(&found, "/result/objectId");
        self.call("DOM.setFileInputFiles", &json!({"files": files, "objectId": object}))?;
        Ok(())
    }

    /// Presses a key, such as `Tab`, `Enter`, or a letter.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn press(&mut self, key: &str) -> Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            letter => (0, letter),
        };
        let down = json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
        self.call("Input.dispatchKeyEvent", &down)?;
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}))?;
        Ok(())
    }

    /// Writes text where the focus is.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.call("Input.insertText", &json!({"text": text}))?;
        Ok(())
    }

    /// A picture of the whole page, as PNG in base64.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn picture(&mut self) -> Result<String> {
        let taken = self.call("Page.captureScreenshot", &json!({"captureBeyondViewport": true}))?;
        Ok(text(&taken, "/data"))
    }

    /// What was requested up to now: by the page, its workers and its service worker.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn requests(&mut self) -> Result<&[String]> {
        self.value("0")?;
        Ok(&self.requests)
    }

    /// What the browser complained of up to now: violations of the policy among it.
    ///
    /// # Errors
    /// The browser does not answer.
    pub fn complaints(&mut self) -> Result<&[String]> {
        self.value("0")?;
        Ok(&self.complaints)
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        let session = self.session.clone();
        let id = self.send(&session, method, parameters)?;
        loop {
            let message = self.next()?;
            if at(&message, "/id") == id {
                ensure!(at(&message, "/error").is_null(), "{method}: {message}");
                return Ok(at(&message, "/result"));
            }
            self.event(&message)?;
        }
    }

    fn send(&mut self, session: &str, method: &str, parameters: &Value) -> Result<u64> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(fields) = message.as_object_mut().filter(|_| !session.is_empty()) {
            fields.insert("sessionId".to_owned(), session.into());
        }
        self.socket.send(Message::text(message.to_string()))?;
        Ok(self.last)
    }

    fn next(&mut self) -> Result<Value> {
        loop {
            if let Message::Text(text) = self.socket.read()? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    fn event(&mut self, message: &Value) -> Result<()> {
        let named = |pointer: &str| text(message, &format!("/params/{pointer}"));
        match text(message, "/method").as_str() {
            "Target.attachedToTarget" => {
                let session = named("sessionId");
                let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
                for method in ["Network.enable", "Log.enable", "Runtime.enable"] {
                    self.send(&session, method, &json!({}))?;
                }
                self.send(&session, "Target.setAutoAttach", &attach)?;
                self.send(&session, "Runtime.runIfWaitingForDebugger", &json!({}))?;
            }
            "Network.requestWillBeSent" => self.requests.push(named("request/url")),
            "Network.webSocketCreated" => self.requests.push(named("url")),
            "Log.entryAdded" if named("entry/level") == "error" || named("entry/source") == "security" => {
                self.complaints.push(named("entry/text"));
            }
            "Runtime.exceptionThrown" => self.complaints.push(at(message, "/params/exceptionDetails").to_string()),
            _ => {}
        }
        Ok(())
    }
}

/// What stands at a place of an answer; null where nothing does.
fn at(answer: &Value, pointer: &str) -> Value {
    answer.pointer(pointer).cloned().unwrap_or_default()
}

fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
