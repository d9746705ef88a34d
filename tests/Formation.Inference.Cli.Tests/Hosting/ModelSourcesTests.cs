using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Hosting;

public sealed class ModelSourcesTests
{
    [Fact]
    public void Options_win_over_the_folder_and_the_folder_over_what_is_registered()
    {
        using var user = new CommandRun();
        var registered = user.WriteFile("registered/a.gguf", [1]);
        var inFolder = user.WriteFile("folder/a.gguf", [1]);
        var option = user.WriteFile("option.gguf", [1]);
        var folder = Path.GetDirectoryName(inFolder)!;
        var known = new Dictionary<string, string> { ["a"] = registered };

        Assert.Equal(registered, Find(known, null, []));
        Assert.Equal(inFolder, Find(known, folder, []));
        Assert.Equal(option, Find(known, folder, [$"a={option}"]));

        static string Find(Dictionary<string, string> known, string? folder, string[] options) =>
            ModelSources.Find(known, folder, options).Single(source => source.Id == "a").Path;
    }

    [Fact]
    public void Of_a_split_model_only_the_first_part_is_a_model()
    {
        using var user = new CommandRun();
        var first = user.WriteFile("folder/big-00001-of-00002.gguf", [1]);
        user.WriteFile("folder/big-00002-of-00002.gguf", [1]);

        var found = ModelSources.Find(new Dictionary<string, string>(), Path.GetDirectoryName(first), []);
        Assert.Equal([first], found.Where(source => source.Origin == "folder").Select(source => source.Path));
    }

    [Theory]
    [InlineData("no-equals-sign", ExitCode.WrongUsage)]
    [InlineData("id=", ExitCode.WrongUsage)]
    [InlineData("BAD=/x", ExitCode.WrongUsage)]
    [InlineData("id=/there/is/no/such.gguf", ExitCode.NotFound)]
    public void A_wrong_assignment_is_told(string assignment, int exitCode)
    {
        var error = Assert.Throws<CommandException>(() => ModelSources.Find(new Dictionary<string, string>(), null, [assignment]));
        Assert.Equal(exitCode, error.ExitCode);
    }
}
