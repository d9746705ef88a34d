using Formation.Inference.Cli.Bench.Peers;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Cli.Tests.Bench.Peers;

public sealed class PeerInstallationTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly List<string> _runs = [];
    private readonly List<string> _notes = [];
    private ProgramOutcome? _node = new(0, "v22.1.0\n");
    private Func<ProgramOutcome?> _npm = () => null;

    public PeerInstallationTests() =>
        File.WriteAllText(_folder.File("package.json"), """{"dependencies":{"@peer/linux":"3.2.1"}}""");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_peer_is_installed_from_the_lock_file_without_scripts_and_only_once()
    {
        _npm = () => Install("3.2.1");

        await EnsureAsync();
        await EnsureAsync();

        var npm = Assert.Single(_runs, run => run.StartsWith("npm"));
        Assert.StartsWith("npm ci --ignore-scripts", npm);
        Assert.Contains(_folder.Path, Assert.Single(_notes));
    }

    [Fact]
    public async Task Another_version_is_replaced()
    {
        Install("3.2.0");
        _npm = () => Install("3.2.1");

        await EnsureAsync();

        Assert.Contains(_runs, run => run.StartsWith("npm"));
    }

    [Fact]
    public async Task Without_node_it_says_what_to_install()
    {
        _node = null;

        Assert.Contains("apt-get install nodejs", (await FailAsync()).Message);
    }

    [Theory]
    [InlineData("v16.20.2")]
    [InlineData("not a version")]
    public async Task A_node_that_is_too_old_is_named(string version)
    {
        _node = new ProgramOutcome(0, version + "\n");

        Assert.Contains($"'{version}'", (await FailAsync()).Message);
    }

    [Fact]
    public async Task Without_npm_it_says_what_to_install() => Assert.Contains("apt-get install npm", (await FailAsync()).Message);

    [Fact]
    public async Task What_npm_said_last_is_shown_when_it_fails()
    {
        _npm = () => new ProgramOutcome(1, "a long story\nnpm error network\n");

        Assert.Contains("npm error network", (await FailAsync()).Message);
    }

    private Task EnsureAsync() =>
        new PeerInstallation(_folder.Path, RunAsync).EnsureAsync(_notes.Add, TestContext.Current.CancellationToken);

    private Task<CommandException> FailAsync() => Assert.ThrowsAsync<CommandException>(EnsureAsync);

    private ProgramOutcome Install(string version)
    {
        var package = Directory.CreateDirectory(_folder.File("node_modules/@peer/linux")).FullName;
        File.WriteAllText(Path.Combine(package, "package.json"), $$"""{"version":"{{version}}"}""");
        return new ProgramOutcome(0, "added 1 package\n");
    }

    private Task<ProgramOutcome?> RunAsync(string program, IReadOnlyList<string> arguments, string folder, CancellationToken cancellationToken)
    {
        Assert.Equal(_folder.Path, folder);
        _runs.Add($"{program} {string.Join(' ', arguments)}");
        return Task.FromResult(program == "node" ? _node : _npm());
    }
}
