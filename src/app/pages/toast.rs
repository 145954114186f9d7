//! Messages that come and go.

/// A message that needs no answer, as it is written: a name in it may look like markup.
pub fn toast(sentence: &str) -> adw::Toast {
    adw::Toast::builder()
        .title(sentence)
        .use_markup(false)
        .build()
}
