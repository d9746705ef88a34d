using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Hosting;

/// <summary>A server whose database is not there does not start, and says why in one line.</summary>
public sealed class ServerDatabaseTests : IDisposable
{
    private readonly CommandRun _run = new();

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=me;Password=hush;Database=d")]
    [InlineData("postgresql://me:hush@127.0.0.1:1/d")]
    public async Task A_database_that_does_not_answer_is_one_line_without_its_password(string database)
    {
        Assert.Equal(ExitCode.Failed, await _run.RunAsync("inference", "serve", "--urls", "http://127.0.0.1:0", "--database", database));
        AssertOneLine("127.0.0.1:1");
    }

    [Fact]
    public async Task The_database_of_the_environment_is_used_and_that_of_the_command_line_comes_before_it()
    {
        _run.Environment["FORMATION_DATABASE"] = "postgresql://me:hush@127.0.0.1:1/d";
        Assert.Equal(ExitCode.Failed, await _run.RunAsync("inference", "serve", "--urls", "http://127.0.0.1:0"));
        AssertOneLine("127.0.0.1:1");

        Assert.Equal(ExitCode.Failed, await _run.RunAsync("inference", "serve", "--urls", "http://127.0.0.1:0", "--database", "Host=127.0.0.1;Port=2"));
        AssertOneLine("127.0.0.1:2");
    }

    [Fact]
    public async Task A_text_that_names_no_database_is_wrong_usage()
    {
        Assert.Equal(ExitCode.WrongUsage, await _run.RunAsync("inference", "serve", "--urls", "http://127.0.0.1:0", "--database", "hush"));
        AssertOneLine("postgresql://USER:PASSWORD@HOST:PORT/NAME");
    }

    [Fact]
    public async Task The_help_says_where_a_password_belongs()
    {
        Assert.Equal(ExitCode.Done, await _run.RunAsync("inference", "serve", "--help"));
        Assert.Contains("FORMATION_DATABASE", _run.Out, StringComparison.Ordinal);
    }

    public void Dispose() => _run.Dispose();

    private void AssertOneLine(string part)
    {
        Assert.Contains(part, Assert.Single(_run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", _run.Error + _run.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_run.Data));
    }
}
