//! Errors in words that people read, without credentials.
//!
//! Ring: api.

use std::error::Error;

/// What ends an URI in a text.
const ENDS: [char; 6] = ['"', '\'', '<', '>', '`', '\\'];

/// `text` with `***` in place of the password in every URI, whatever is in it.
#[must_use]
pub(crate) fn masked(text: &str) -> String {
    let mut parts = text.split("://");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|known: char| known.is_whitespace() || ENDS.contains(&known)).unwrap_or(part.len());
        let (uri, rest) = part.split_at(end);
        result.push_str("://");
        match uri.rsplit_once('@').and_then(|(who, at)| Some((who.split_once(':')?.0, at))) {
            Some((user, at)) => result.extend([user, ":***@", at]),
            None => result.push_str(uri),
        }
        result.push_str(rest);
    }
    result
}

/// `error` with its causes, each once: many texts repeat that of their cause.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// The apiserver's own words, and those of what is between it and the operator. The library's text for an answer of the
/// apiserver is a dump of it.
pub(crate) fn kube_words(error: &kube::Error) -> String {
    let text = match error {
        kube::Error::Api(status) => format!("{} (HTTP {})", status.message, status.code),
        error => with_causes(error),
    };
    masked(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn a_password_is_masked_whatever_is_in_it() {
        for (text, expected) in [
            ("at amqp://u:s3cr%2Ft@h:5672/v, sorry", "at amqp://u:***@h:5672/v, sorry"),
            ("amqps://u:p@ss/w%rd:x?#@h/v", "amqps://u:***@h/v"),
            (r#"{"uri":"http://u:p@q@h/"} and http://u:p@h"#, r#"{"uri":"http://u:***@h/"} and http://u:***@h"#),
            ("amqp://u@h and https://h/a:b", "amqp://u@h and https://h/a:b"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn the_apiservers_words_are_no_dump() {
        let status = Status { message: "no such thing".to_owned(), code: 404, ..Status::default() };
        assert_eq!(kube_words(&kube::Error::Api(Box::new(status))), "no such thing (HTTP 404)");
        let source = std::io::Error::other("the wire is cut");
        assert_eq!(kube_words(&kube::Error::Service(source.into())), "ServiceError: the wire is cut");
    }
}
