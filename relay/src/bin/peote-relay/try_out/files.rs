//! The files of the page, as they lie in `relay/page`.

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    /// Its path in the address, without the first `/`.
    pub(super) name: &'static str,
    pub(super) content: &'static str,
}

impl File {
    /// Its type, by the end of its name.
    pub(super) fn kind(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            _ => "text/html; charset=utf-8",
        }
    }
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(File {
            name: $name,
            content: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/page/", $name)),
        }),*]
    };
}

/// The first one is the page itself. `chat` is the folder `examples/browser`: of it, what the chat
/// page needs.
pub(super) const FILES: &[File] = files! {
    "index.html"
    "try.css"
    "try.js"
    "chat/index.html"
    "chat/chat.css"
    "chat/chat-message.js"
    "chat/chat-names-data.js"
    "chat/chat-names.js"
    "chat/chat-room.js"
    "chat/chat-session.js"
    "chat/chat.js"
    "chat/peote-net-channel.js"
    "chat/peote-net-check.js"
    "chat/peote-net-commands.js"
    "chat/peote-net-connection.js"
    "chat/peote-net-entered.js"
    "chat/peote-net-event.js"
    "chat/peote-net-hello.js"
    "chat/peote-net-local.js"
    "chat/peote-net-own.js"
    "chat/peote-net-party.js"
    "chat/peote-net-time.js"
    "chat/peote-net-wire.js"
    "chat/peote-net.js"
};

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that a file imports is in the program, too.
    #[test]
    fn every_import_is_there() {
        let mut imports = 0;
        for file in FILES.iter().filter(|file| file.name.ends_with(".js")) {
            let folder = file.name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let lines = file.content.lines().filter(|line| !line.starts_with(" *"));
            for (_, from) in lines.filter_map(|line| line.split_once(" from './")) {
                let name = format!("{folder}/{}", from.trim_end_matches("';"));
                assert!(FILES.iter().any(|file| file.name == name), "{}: {name}", file.name);
                imports += 1;
            }
        }
        assert_ne!(imports, 0);
    }

    /// What a page loads by an attribute is in the program, too.
    #[test]
    fn every_link_of_a_page_is_there() {
        let mut links = 0;
        for file in FILES.iter().filter(|file| file.name.ends_with(".html")) {
            let folder = file.name.trim_end_matches("index.html");
            for end in file.content.split(" href=\"").skip(1).chain(file.content.split(" src=\"").skip(1)) {
                let name = format!("{folder}{}", end.split('"').next().unwrap_or_default());
                assert!(FILES.iter().any(|file| file.name == name), "{}: {name}", file.name);
                links += 1;
            }
        }
        assert_eq!(links, 4);
    }
}
