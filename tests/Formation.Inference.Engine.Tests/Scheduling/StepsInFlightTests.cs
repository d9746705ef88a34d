using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Tests.Scheduling;

/// <summary>What the scheduler does while several steps are computed side by side.</summary>
public sealed class StepsInFlightTests
{
    static SchedulerSimulation New(int depth, int blocks = 64, int running = 8, int prefill = 32, int besideDecode = 16) => new(
        new SchedulerOptions { MaxRunningSequences = running, MaxPrefillTokens = prefill, MaxPrefillTokensBesideDecode = besideDecode }, blocks)
    {
        Depth = depth,
    };

    static int[] Prompt(int length, int salt = 0) => [.. Enumerable.Range(0, length).Select(i => i * 3 + salt * 1000)];

    [Theory]
    [InlineData(8, 2, 4)]
    [InlineData(8, 3, 3)]
    [InlineData(2, 4, 1)]
    public void Sequences_that_decode_are_shared_out_over_the_steps(int sequences, int depth, int most)
    {
        var simulation = New(depth, prefill: 64, besideDecode: 64);
        for (var i = 0; i < sequences; i++)
            simulation.Submit("a", Prompt(4, salt: i), maxTokens: 40);
        for (var step = 0; step < depth + 1; step++)
            simulation.Step();
        for (var step = 0; step < 12; step++)
            Assert.InRange(simulation.Step().Count, sequences >= depth ? 1 : 0, most);
        simulation.RunToEnd();
    }

    [Fact]
    public void The_chunks_of_one_prompt_follow_each_other_without_waiting()
    {
        var simulation = New(depth: 3, prefill: 8);
        var sequence = simulation.Submit("a", Prompt(20), maxTokens: 2).Leader;
        Assert.Equal((0, 8), Positions(simulation.Step()));
        Assert.Equal((8, 16), Positions(simulation.Step()));
        Assert.Equal((2, 0, 16), (sequence.StepsInFlight, sequence.ComputedLength, sequence.ScheduledLength));
        Assert.Equal((16, 20), Positions(simulation.Step()));
        Assert.Equal((2, 8), (sequence.StepsInFlight, sequence.ComputedLength));
        simulation.RunToEnd();

        static (int First, int End) Positions(IReadOnlyList<ScheduledSlice> slices) => (slices.Single().FirstPosition, slices.Single().End);
    }

    [Fact]
    public void A_sequence_decodes_in_one_step_at_a_time()
    {
        var simulation = New(depth: 4);
        var sequence = simulation.Submit("a", Prompt(4), maxTokens: 10).Leader;
        for (var step = 0; step < 30 && sequence.State != SequenceState.Finished; step++)
        {
            simulation.Step();
            Assert.InRange(sequence.StepsInFlight, 0, 1);
        }

        Assert.Equal(SequenceState.Finished, sequence.State);
    }

    [Fact]
    public void What_is_in_flight_keeps_its_blocks_when_they_run_out()
    {
        var simulation = New(depth: 2, blocks: 8);
        for (var i = 0; i < 4; i++)
            simulation.Submit($"account {i}", Prompt(6, salt: i), maxTokens: 14);
        while (!simulation.IsIdle)
        {
            var preempted = simulation.Scheduler.Preemptions;
            simulation.Step();
            if (simulation.Scheduler.Preemptions > preempted)
                Assert.All(
                    simulation.Groups.Where(group => group.Leader.State == SequenceState.Waiting), group => Assert.Equal(0, group.Leader.StepsInFlight));
        }

        Assert.True(simulation.Scheduler.Preemptions > 0);
        Assert.Equal(0, simulation.Pool.HeldCount);
    }

    [Fact]
    public void Steps_that_are_given_up_are_scheduled_again()
    {
        var simulation = New(depth: 3, prefill: 8);
        var sequence = simulation.Submit("a", Prompt(20), maxTokens: 2).Leader;
        simulation.Step();
        simulation.Step();
        simulation.Abandon();
        Assert.Equal((0, 0, 0), (sequence.StepsInFlight, sequence.ComputedLength, sequence.ScheduledLength));
        Assert.Equal(0, simulation.Step().Single().FirstPosition);
        simulation.RunToEnd();
    }

    [Fact]
    public void An_account_pays_once_for_positions_that_are_scheduled_twice()
    {
        var simulation = New(depth: 3, running: 1);
        for (var i = 0; i < 40; i++)
            simulation.Submit(i % 2 == 0 ? "unlucky" : "lucky", Prompt(8, salt: i), maxTokens: 8);
        for (var step = 0; step < 160; step++)
        {
            if (simulation.Step().Any(slice => slice.Sequence.Group.AccountId == "unlucky" && step % 3 == 0))
                simulation.Abandon();
        }

        var (unlucky, lucky) = (Finished("unlucky"), Finished("lucky"));
        Assert.InRange(unlucky, lucky - 1, lucky + 1);

        int Finished(string account) =>
            simulation.Groups.Count(group => group.AccountId == account && group.Leader.State == SequenceState.Finished);
    }

    [Fact]
    public void Prefixes_that_nobody_holds_are_forgotten_with_a_lost_stage_and_held_ones_are_not()
    {
        var simulation = New(depth: 1);
        simulation.Submit("a", Prompt(16, salt: 1), maxTokens: 1);
        simulation.RunToEnd();
        simulation.Submit("a", Prompt(16, salt: 2), maxTokens: 30);
        simulation.Step();
        simulation.Scheduler.ForgetUnheldPrefixes();
        simulation.Scheduler.CheckIntegrity();
        var lost = simulation.Submit("a", Prompt(16, salt: 1), maxTokens: 1);
        var kept = simulation.Submit("a", Prompt(16, salt: 2), maxTokens: 1);
        simulation.RunToEnd();
        Assert.Equal((0, 12), (lost.CachedPromptTokens, kept.CachedPromptTokens));
    }

    [Fact]
    public void What_stages_hold_is_told_by_value()
    {
        var simulation = New(depth: 2, prefill: 8);
        var sequence = simulation.Submit("a", Prompt(20), maxTokens: 2).Leader;
        simulation.Submit("a", Prompt(4, salt: 1), maxTokens: 2);
        Assert.Empty(simulation.Scheduler.Stored());
        simulation.Step();
        simulation.Step();
        var stored = Assert.Single(simulation.Scheduler.Stored());
        Assert.Equal((sequence.Id, 20, 8), (stored.SequenceId, stored.PromptLength, stored.Length));
        Assert.Equal(sequence.Blocks.Span.ToArray(), stored.BlockTable.ToArray());
        simulation.Scheduler.Remove(sequence);
        Assert.True(stored.BlockTable.Length >= 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Random_work_with_few_blocks_drafts_losses_and_leavers_ends_well(int seed)
    {
        var random = new Random(seed);
        var simulation = New(depth: 1 + seed % 4, blocks: 24, running: 6, prefill: 16, besideDecode: 8);
        simulation.DraftLength = _ => random.Next(4);
        simulation.IsWrong = () => random.Next(3) == 0;
        for (var step = 0; step < 1500; step++)
        {
            if (step < 1000 && random.Next(4) == 0)
                simulation.Submit($"account {random.Next(3)}", Prompt(random.Next(1, 40), random.Next(6)), random.Next(1, 20), random.Next(1, 4));
            if (random.Next(40) == 0 && simulation.Scheduler.Running.Count > 0)
                foreach (var sequence in simulation.Scheduler.Running[random.Next(simulation.Scheduler.Running.Count)].Group.Sequences)
                    simulation.Scheduler.Remove(sequence);
            if (random.Next(30) == 0)
                simulation.Abandon();
            simulation.Step();
        }

        simulation.RunToEnd();
    }
}
