using Formation.Inference.Cli.Bench;

namespace Formation.Inference.Cli.Tests.Bench;

public sealed class BenchPlanTests
{
    [Fact]
    public void Prompts_come_first_and_then_generation_by_ever_more_sequences()
    {
        var plan = new BenchPlan([512, 4096], 64, [1, 8], 3);

        Assert.Equal(["pp512", "pp4096", "tg64", "tg64x8"], plan.Tests.Select(test => test.Name));
    }

    [Fact]
    public void Nothing_is_generated_where_no_token_is_asked_for() =>
        Assert.Equal(["pp512"], new BenchPlan([512], 0, [1, 8], 3).Tests.Select(test => test.Name));
}
