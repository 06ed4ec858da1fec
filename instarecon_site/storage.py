"""How static files are named and compressed for the web server."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Whitenoise's, which leaves JavaScript as esbuild made it.

    Spark carries its worker's source as a string, and in it a comment that names a source map.
    The base class would look for that map, and fail.
    """

    patterns = tuple(
        (extension, patterns)
        for extension, patterns in CompressedManifestStaticFilesStorage.patterns
        if extension != "*.js"
    )
