"""Public pages, the provider's webhook, and the answers to one-click unsubscribes."""
