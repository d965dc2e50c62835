from databases import ask, database, server, url

__all__ = ["ask", "database", "server", "url"]
