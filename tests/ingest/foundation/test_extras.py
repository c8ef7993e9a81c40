import pytest

from ingest.foundation.extras import install_command, pip_arguments


@pytest.mark.parametrize(
    ("origin", "arguments"),
    [
        (None, "'qiuzheng[browser]'"),
        (
            '{"url": "file:///srv/my%20clone", "dir_info": {"editable": true}}',
            "-e '/srv/my clone[browser]'",
        ),
        ('{"url": "file:///srv/clone", "dir_info": {}}', "'/srv/clone[browser]'"),
        (
            '{"url": "https://example.com/q.git", "vcs_info": {"vcs": "git"}}',
            "'qiuzheng[browser] @ git+https://example.com/q.git'",
        ),
        (
            '{"url": "file:///tmp/q.whl", "archive_info": {}}',
            "'qiuzheng[browser] @ file:///tmp/q.whl'",
        ),
    ],
)
def test_part_is_installed_from_where_we_came_from(origin: str | None, arguments: str) -> None:
    assert pip_arguments("browser", origin) == arguments


def test_command_is_complete() -> None:
    command = install_command("files")
    assert command.startswith("pip install ")
    assert "[files]" in command
