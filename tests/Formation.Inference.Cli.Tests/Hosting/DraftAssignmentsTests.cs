using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Hosting;

public sealed class DraftAssignmentsTests : IDisposable
{
    private readonly CommandRun _user = new();

    public void Dispose() => _user.Dispose();

    [Fact]
    public void A_plain_path_is_for_the_models_of_the_command_line_and_else_for_the_default_one()
    {
        var draft = _user.WriteFile("draft.gguf", [1]);
        var named = DraftAssignments.Parse([draft], ["big=/x.gguf", "other=/y.gguf"]);
        Assert.Equal((draft, draft, null), (named.Find(["big"]), named.Find(["x", "other"]), named.Find([ModelSources.DefaultModelId])));
        var unnamed = DraftAssignments.Parse([draft], []);
        Assert.Equal((draft, null), (unnamed.Find([ModelSources.DefaultModelId]), unnamed.Find(["big"])));
    }

    [Fact]
    public void A_draft_model_of_one_model_wins_over_that_of_all()
    {
        var (one, all) = (_user.WriteFile("one.gguf", [1]), _user.WriteFile("all=.gguf", [1]));
        var drafts = DraftAssignments.Parse([$"big={one}", all], ["big=/x.gguf", "other=/y.gguf"]);
        Assert.Equal((one, all), (drafts.Find(["big"]), drafts.Find(["other"])));
    }

    [Theory]
    [InlineData("/there/is/no/such.gguf", ExitCode.NotFound)]
    [InlineData("big=/there/is/no/such.gguf", ExitCode.NotFound)]
    [InlineData("BAD=/x", ExitCode.WrongUsage)]
    [InlineData("big=", ExitCode.WrongUsage)]
    public void A_wrong_value_is_told(string value, int exitCode)
    {
        var error = Assert.Throws<CommandException>(() => DraftAssignments.Parse([value], []));
        Assert.Equal(exitCode, error.ExitCode);
    }

    [Theory]
    [InlineData("off")]
    [InlineData("lookup")]
    public async Task A_draft_model_that_would_not_be_used_is_told(string mode)
    {
        var code = await _user.RunAsync("inference", "serve", "--speculative", mode, "--draft-model", "small.gguf");
        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Contains($"--speculative {mode}", _user.Error);
    }
}
