//! A configuration without limits.

use super::Config;

impl Config {
    /// Lifts every limit on connections, channels and rates. Times and memory stay bounded, and
    /// lists of what is allowed hold.
    pub fn lift_limits(&mut self) {
        self.max_connections = 0;
        self.max_connections_per_address = 0;
        self.max_connections_per_network = 0;
        self.connections_per_second_per_address = 0;
        self.max_channels = 0;
        self.max_channels_per_address = 0;
        self.max_channels_per_network = 0;
        self.max_users_per_channel_per_address = 0;
        self.max_users_per_channel_per_network = 0;
        self.tls_handshakes_per_second_per_network = 0;
        self.tokens_per_second_per_network = 0;
        self.max_channels_per_connection = 0;
        self.max_users_per_channel = 0;
        self.commands_per_second = 0;
        self.messages_per_second = 0;
        self.bytes_per_second = 0;
    }
}
