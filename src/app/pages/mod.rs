//! The pages of a window.

mod chat;
mod connect;
mod home;
mod identity;
mod popup;
pub mod text_menu;
mod toast;

pub use self::chat::ChatPage;
pub use self::connect::ConnectPage;
pub use self::home::HomePage;
pub use self::toast::toast;
