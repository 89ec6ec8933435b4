"""The process ``lag``: asks clusters, judges what they told, writes it down."""
