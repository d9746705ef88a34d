using Formation.Inference.Engine.Speculation.Planning;

namespace Formation.Inference.Engine.Tests.Speculation.Planning;

public sealed class DraftPlanTests
{
    StepCosts _costs = new();

    static DraftCandidate[] Candidates(params double[] rates) => [.. rates.Select(rate => new DraftCandidate { Rate = rate, Limit = 15 })];

    /// <summary>Makes a step of r rows take before + r.</summary>
    void RowsCost(double before)
    {
        _costs = new StepCosts();
        for (var rows = 1; rows <= StepCosts.MaxRows; rows++)
            _costs.Add(rows, before + rows);
    }

    int[] Lengths(DraftCandidate[] candidates, double secondsPerToken = 0, int spareRows = 100, bool isTrial = false, int limit = 15)
    {
        candidates = [.. candidates.Select(candidate => candidate with { Limit = limit })];
        var rows = new DraftPlan(_costs).Make(candidates, candidates.Length, candidates.Length, spareRows, secondsPerToken, isTrial);
        Assert.Equal(rows, candidates.Sum(candidate => candidate.Length));
        return [.. candidates.Select(candidate => candidate.Length)];
    }

    [Fact]
    public void A_plan_gives_the_most_tokens_a_second_of_all_lengths()
    {
        foreach (var before in new double[] { 0, 1, 4, 30 })
            foreach (var rate in new[] { 0.05, 0.3, 0.6, 0.9, 0.99 })
            {
                RowsCost(before);
                double Speed(int length) => Enumerable.Range(0, length + 1).Sum(i => Math.Pow(rate, i)) / (before + 1 + length);
                var best = Enumerable.Range(0, 16).MaxBy(Speed);
                Assert.Equal([best], Lengths(Candidates(rate)));
            }
    }

    [Fact]
    public void Where_rows_cost_what_they_bring_there_is_no_draft()
    {
        RowsCost(before: 0);
        Assert.Equal([0, 0, 0], Lengths(Candidates(0.99, 0.9, 0.5)));
    }

    [Fact]
    public void A_step_of_many_sequences_is_busy_without_drafts()
    {
        RowsCost(before: 10);
        Assert.NotEqual([0], Lengths(Candidates(0.7)));
        Assert.All(Lengths([.. Enumerable.Repeat(Candidates(0.7)[0], 32)]), length => Assert.Equal(0, length));
    }

    [Fact]
    public void Rows_go_where_they_are_most_likely_to_give_tokens()
    {
        RowsCost(before: 30);
        var lengths = Lengths(Candidates(0.5, 0.95, 0.01));
        Assert.True(lengths[1] > lengths[0] && lengths[0] > lengths[2]);
        Assert.Equal(0, lengths[2]);
        Assert.Equal([0, 5, 0], Lengths(Candidates(0.5, 0.95, 0.01), spareRows: 5));
        Assert.Equal([2, 2, 0], Lengths(Candidates(0.9, 0.95, 0.01), limit: 2));
    }

    [Fact]
    public void A_drafter_that_takes_long_gives_shorter_drafts_or_none()
    {
        RowsCost(before: 30);
        var free = Lengths(Candidates(0.9))[0];
        var dear = Lengths(Candidates(0.9), secondsPerToken: 3)[0];
        Assert.InRange(dear, 1, free - 1);
        Assert.Equal([0], Lengths(Candidates(0.9), secondsPerToken: 30));
    }

    [Fact]
    public void A_trial_has_a_draft_where_none_pays()
    {
        RowsCost(before: 0);
        Assert.Equal([0], Lengths(Candidates(0.1)));
        Assert.Equal([1], Lengths(Candidates(0.1), isTrial: true));
    }

    [Fact]
    public void Before_anything_was_measured_there_is_no_draft() => Assert.Equal([0], Lengths(Candidates(0.9)));
}
