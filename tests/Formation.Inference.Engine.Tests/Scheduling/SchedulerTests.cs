using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Tests.Scheduling;

public sealed class SchedulerTests
{
    static int[] Prompt(int length, int salt = 0) => [.. Enumerable.Range(0, length).Select(i => i + salt * 1000)];

    static SchedulerSimulation New(int blocks = 64, int running = 8, int prefill = 32, int besideDecode = 16) => new(
        new SchedulerOptions { MaxRunningSequences = running, MaxPrefillTokens = prefill, MaxPrefillTokensBesideDecode = besideDecode }, blocks);

    [Fact]
    public void Nothing_to_do_gives_an_empty_step() => Assert.Empty(New().Step());

    [Fact]
    public void A_long_prompt_is_cut_into_chunks_and_sampled_at_its_end_only()
    {
        var simulation = New(prefill: 10);
        var sequence = simulation.Submit("a", Prompt(25), maxTokens: 2).Leader;
        Assert.Equal((0, 10, false), Shape(simulation.Step().Single()));
        Assert.Equal((10, 10, false), Shape(simulation.Step().Single()));
        Assert.Equal((20, 5), (simulation.Step().Single() is var last ? (last.FirstPosition, last.Count) : default));
        Assert.Equal(1, sequence.CompletionLength);
        Assert.Equal(SliceKind.Decode, simulation.Step().Single().Kind);
        Assert.Equal(SequenceState.Finished, sequence.State);

        static (int, int, bool) Shape(ScheduledSlice slice) => (slice.FirstPosition, slice.Count, slice.IsSampled);
    }

    [Fact]
    public void Sequences_that_decode_go_on_beside_a_long_prompt()
    {
        var simulation = New(prefill: 32, besideDecode: 8);
        simulation.Submit("a", Prompt(4), maxTokens: 20);
        simulation.Step();
        simulation.Submit("a", Prompt(60, salt: 1), maxTokens: 1);
        for (var step = 0; step < 8; step++)
        {
            var slices = simulation.Step();
            Assert.Equal((SliceKind.Decode, 1), (slices[0].Kind, slices[0].Count));
            Assert.True(slices[1].Kind == SliceKind.Prefill && slices[1].Count <= 8);
        }
    }

    [Fact]
    public void Requests_of_one_account_are_admitted_in_their_order()
    {
        var simulation = New(running: 1);
        var groups = Enumerable.Range(0, 4).Select(i => simulation.Submit("a", Prompt(5, salt: i), maxTokens: 3)).ToList();
        var finished = new List<SequenceGroup>();
        while (!simulation.IsIdle)
        {
            simulation.Step();
            finished.AddRange(groups.Where(group => group.Leader.State == SequenceState.Finished).Except(finished));
        }

        Assert.Equal(groups, finished);
    }

    [Fact]
    public void A_second_prompt_finds_the_first_ones_full_blocks_but_always_computes_its_last_token()
    {
        var simulation = New();
        simulation.Submit("a", Prompt(16), maxTokens: 1);
        simulation.RunToEnd();
        var same = simulation.Submit("a", Prompt(16), maxTokens: 1);
        var slice = simulation.Step().Single();
        Assert.Equal(12, slice.FirstPosition);
        Assert.Equal(12, same.CachedPromptTokens);
        Assert.Equal((32, 12), (simulation.Scheduler.PrefixQueries, simulation.Scheduler.PrefixHits));
    }

    [Fact]
    public void Another_account_never_has_a_hit()
    {
        var simulation = New();
        simulation.Submit("a", Prompt(16), maxTokens: 1);
        simulation.RunToEnd();
        var other = simulation.Submit("b", Prompt(16), maxTokens: 1);
        Assert.Equal(0, simulation.Step().Single().FirstPosition);
        Assert.Equal(0, other.CachedPromptTokens);
    }

    [Fact]
    public void A_follow_up_turn_finds_generated_blocks_only_where_the_kernels_agree()
    {
        foreach (var agree in new[] { true, false })
        {
            var simulation = new SchedulerSimulation(new SchedulerOptions { PrefillEqualsDecode = agree }, 64);
            var first = simulation.Submit("a", Prompt(8), maxTokens: 9).Leader;
            simulation.RunToEnd();
            int[] history = [.. Enumerable.Range(0, first.Length).Select(position => first[position]), 1, 2, 3];
            simulation.Submit("a", history, maxTokens: 1);
            Assert.Equal(agree ? 16 : 8, simulation.Step().Single().FirstPosition);
        }
    }

    [Fact]
    public void Choices_of_one_request_share_the_prompts_full_blocks_and_differ_in_the_rest()
    {
        var simulation = New();
        var group = simulation.Submit("a", Prompt(18), maxTokens: 6, choices: 4);
        Assert.Single(simulation.Step());
        simulation.Step();
        var tables = group.Sequences.Select(sequence => sequence.Blocks.Span.ToArray()).ToList();
        Assert.All(tables, table => Assert.Equal(tables[0][..4], table[..4]));
        Assert.Equal(4, tables.Select(table => table[4]).Distinct().Count());
        simulation.RunToEnd();
        Assert.Equal(18 + 3 * 2 + 4 * 5, simulation.ComputedRows["a"]);
    }

    [Fact]
    public void When_blocks_run_out_the_newest_sequence_of_the_greediest_account_gives_way()
    {
        var simulation = New(blocks: 12);
        var oldest = simulation.Submit("small", Prompt(4, salt: 1), maxTokens: 20).Leader;
        var greedy = Enumerable.Range(2, 2).Select(i => simulation.Submit("greedy", Prompt(12, salt: i), maxTokens: 8).Leader).ToList();
        var newest = simulation.Submit("late", Prompt(4, salt: 9), maxTokens: 8).Leader;
        while (simulation.Scheduler.Preemptions == 0)
            simulation.Step();
        Assert.Equal(SequenceState.Waiting, greedy[1].State);
        Assert.All([oldest, greedy[0], newest], sequence => Assert.Equal(SequenceState.Running, sequence.State));
        simulation.RunToEnd();
    }

    [Fact]
    public void A_preempted_sequence_is_rebuilt_with_the_kernels_of_the_first_time()
    {
        var simulation = New(blocks: 8, prefill: 16);
        simulation.Submit("a", Prompt(8, salt: 1), maxTokens: 12);
        var second = simulation.Submit("b", Prompt(8, salt: 2), maxTokens: 12).Leader;
        var rebuilt = new List<ScheduledSlice>();
        while (!simulation.IsIdle)
        {
            var wasPreempted = simulation.Scheduler.Preemptions > 0;
            rebuilt.AddRange(simulation.Step().Where(slice => wasPreempted && slice.Sequence == second));
        }

        Assert.True(simulation.Scheduler.Preemptions > 0);
        Assert.Contains(rebuilt, slice => slice.Kind == SliceKind.Decode && slice.Count > 1);
    }

    [Fact]
    public void A_cancelled_sequence_frees_its_blocks_wherever_it_stands()
    {
        var simulation = New(running: 1, prefill: 8);
        var running = simulation.Submit("a", Prompt(20), maxTokens: 5, choices: 2);
        var waiting = simulation.Submit("a", Prompt(20), maxTokens: 5);
        simulation.Step();
        foreach (var sequence in running.Sequences.Concat(waiting.Sequences))
            simulation.Scheduler.Remove(sequence);
        simulation.Scheduler.CheckIntegrity();
        Assert.Equal((0, 0), (simulation.Pool.HeldCount, simulation.Scheduler.WaitingCount));
        Assert.Empty(simulation.Step());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Under_any_load_every_sequence_finishes_with_the_tokens_it_has_alone(int seed) => RunAnyLoad(seed, _ => { });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void With_drafts_right_and_wrong_under_any_load_the_tokens_are_the_same(int seed)
    {
        var random = new Random(seed + 100);
        var simulation = RunAnyLoad(seed, simulation =>
        {
            simulation.DraftLength = _ => random.Next(12);
            simulation.IsWrong = () => random.Next(5) == 0;
        });
        Assert.True(simulation.AcceptedTokens > 0, "no draft was right, so nothing was tested");
    }

    static SchedulerSimulation RunAnyLoad(int seed, Action<SchedulerSimulation> prepare)
    {
        var random = new Random(seed);
        var simulation = new SchedulerSimulation(
            new SchedulerOptions
            {
                MaxRunningSequences = random.Next(1, 12),
                MaxPrefillTokens = random.Next(8, 40),
                MaxPrefillTokensBesideDecode = random.Next(1, 8),
                PrefillEqualsDecode = random.Next(2) == 0,
            },
            blocks: random.Next(16, 40));
        prepare(simulation);
        var context = simulation.Pool.Count * SchedulerSimulation.BlockSize;
        for (var arrivals = 0; arrivals < 80; arrivals++)
        {
            var prompt = Prompt(random.Next(1, 40), salt: random.Next(3));
            simulation.Submit($"account {random.Next(4)}", prompt, random.Next(1, context - prompt.Length), random.Next(4) == 0 ? random.Next(2, 5) : 1);
            for (var step = random.Next(6); step > 0; step--)
                simulation.Step();
            if (random.Next(8) == 0)
                simulation.Scheduler.Remove(simulation.Groups[random.Next(simulation.Groups.Count)].Sequences[0]);
        }

        // A removed leader would keep its siblings waiting for a prompt that nobody computes: requests are dropped as a whole.
        foreach (var group in simulation.Groups.Where(group => group.Leader.State == SequenceState.Finished && !group.IsPromptComputed))
            foreach (var sequence in group.Sequences)
                simulation.Scheduler.Remove(sequence);
        simulation.RunToEnd();
        return simulation;
    }

    [Fact]
    public void A_draft_has_its_rows_behind_the_newest_token_and_a_right_one_saves_its_steps()
    {
        var simulation = New();
        var sequence = simulation.Submit("a", Prompt(6), maxTokens: 9).Leader;
        simulation.DraftLength = _ => 3;
        Assert.Equal((0, 6), Shape(simulation.Step().Single()));
        Assert.Equal((SliceKind.Decode, 6, 4), simulation.Step().Single() is var slice ? (slice.Kind, slice.FirstPosition, slice.Count) : default);
        Assert.Equal((5, 10), (sequence.CompletionLength, sequence.ComputedLength));
        simulation.IsWrong = () => true;
        Assert.Equal((10, 4), Shape(simulation.Step().Single()));
        Assert.Equal((6, 11), (sequence.CompletionLength, sequence.ComputedLength));
        Assert.Empty(sequence.Draft);

        static (int, int) Shape(ScheduledSlice slice) => (slice.FirstPosition, slice.Count);
    }

    [Fact]
    public void Drafts_give_way_where_prompts_take_the_rows_of_a_step()
    {
        var simulation = New(prefill: 32, besideDecode: 8);
        var decoding = simulation.Submit("a", Prompt(4), maxTokens: 100).Leader;
        simulation.DraftLength = _ => 6;
        simulation.Step();
        Assert.Equal(7, simulation.Step().Single().Count);

        simulation.Submit("a", Prompt(13, salt: 1), maxTokens: 1);
        Assert.Equal([1, 8], simulation.Step().Select(slice => slice.Count));
        Assert.Equal([1 + 3, 5], simulation.Step().Select(slice => slice.Count));
        Assert.Equal(decoding.ComputedLength, decoding.Length - 1);
    }

    [Fact]
    public void A_draft_takes_no_block_that_a_sequence_needs_and_gives_back_what_it_did_not_use()
    {
        var simulation = New(blocks: 4);
        var (first, second) = (simulation.Submit("a", Prompt(5), maxTokens: 3).Leader, simulation.Submit("b", Prompt(3, salt: 1), maxTokens: 5).Leader);
        simulation.Step();
        simulation.DraftLength = sequence => sequence == first ? 20 : 0;
        simulation.IsWrong = () => true;
        Assert.Equal([1 + 6, 1], simulation.Step().Select(slice => slice.Count));
        Assert.Equal(0, simulation.Pool.FreeCount);
        Assert.Equal([1 + 1, 1], simulation.Step().Select(slice => slice.Count));
        Assert.Equal(0, simulation.Scheduler.Preemptions);
        Assert.Equal((SequenceState.Finished, SequenceState.Running), (first.State, second.State));
        simulation.RunToEnd();
    }

    [Fact]
    public void A_full_block_is_found_by_others_when_all_of_its_tokens_are_accepted_and_not_before()
    {
        var simulation = New();
        var sequence = simulation.Submit("a", Prompt(6), maxTokens: 4).Leader;
        simulation.Step();
        simulation.DraftLength = _ => 2;
        simulation.IsWrong = () => true;
        simulation.Step();
        Assert.Equal((7, 1), (sequence.ComputedLength, sequence.PublishedBlocks));
        simulation.IsWrong = () => false;
        simulation.Step();
        Assert.Equal(2, sequence.PublishedBlocks);
        int[] history = [.. Enumerable.Range(0, 8).Select(position => sequence[position]), 1];
        simulation.Submit("a", history, maxTokens: 1);
        Assert.Equal(8, simulation.Step().Single().FirstPosition);
    }

    [Fact]
    public void An_account_pays_for_the_rows_of_its_drafts_right_or_wrong_and_once()
    {
        var simulation = New(running: 1);
        simulation.DraftLength = sequence => sequence.Group.AccountId == "guesses" ? 5 : 0;
        var turn = 0;
        simulation.IsWrong = () => turn++ % 2 == 0;
        var groups = Enumerable.Range(0, 60).Select(i => simulation.Submit(i % 2 == 0 ? "guesses" : "plain", Prompt(4, salt: i), maxTokens: 8)).ToList();
        while (groups.Count(group => group.Leader.State == SequenceState.Finished) < 30)
            simulation.Step();
        var (guesses, plain) = (simulation.ComputedRows["guesses"], simulation.ComputedRows["plain"]);
        Assert.InRange(guesses, plain * 0.8, plain * 1.25);
    }

    [Fact]
    public void Two_accounts_with_endless_work_are_served_alike_whatever_their_number_of_requests()
    {
        var simulation = New(blocks: 32, running: 4, prefill: 16, besideDecode: 8);
        for (var i = 0; i < 120; i++)
            simulation.Submit("flood", Prompt(20, salt: i), maxTokens: 4);
        for (var i = 120; i < 160; i++)
            simulation.Submit("modest", Prompt(20, salt: i), maxTokens: 4);
        for (var step = 0; step < 60; step++)
            simulation.Step();
        var (flood, modest) = (simulation.ComputedRows["flood"], simulation.ComputedRows["modest"]);
        Assert.InRange(modest, flood * 0.8, flood * 1.25);
    }

    [Fact]
    public void A_newcomer_does_not_wait_behind_the_queue_of_another_account()
    {
        var simulation = New(running: 4, prefill: 16, besideDecode: 8);
        for (var i = 0; i < 100; i++)
            simulation.Submit("flood", Prompt(20, salt: i), maxTokens: 10);
        for (var step = 0; step < 20; step++)
            simulation.Step();
        var newcomer = simulation.Submit("new", Prompt(8, salt: 500), maxTokens: 4);
        var steps = 0;
        for (; newcomer.Leader.State != SequenceState.Finished; steps++)
            simulation.Step();
        Assert.InRange(steps, 1, 30);
    }

    [Fact]
    public void Idle_time_is_not_saved_up()
    {
        var simulation = New(running: 2, prefill: 8, besideDecode: 8);
        simulation.Submit("late", Prompt(4, salt: 999), maxTokens: 1);
        simulation.RunToEnd();
        for (var i = 0; i < 60; i++)
            simulation.Submit("steady", Prompt(8, salt: i), maxTokens: 4);
        for (var step = 0; step < 40; step++)
            simulation.Step();
        for (var i = 100; i < 160; i++)
            simulation.Submit("late", Prompt(8, salt: i), maxTokens: 4);
        var before = simulation.ComputedRows["steady"];
        for (var step = 0; step < 40; step++)
            simulation.Step();
        Assert.InRange(simulation.ComputedRows["steady"] - before, 60, int.MaxValue);
    }

    [Fact]
    public void Accounts_that_are_gone_are_forgotten()
    {
        var shares = new FairShares();
        for (var i = 0; i < 1000; i++)
        {
            var sequence = new SequenceGroup(i, $"account {i}", [1], [], 1).Leader;
            shares.Join(sequence);
            shares[sequence].Served += 100;
            shares.Leave(sequence);
        }

        Assert.Equal(0, shares.Count);
    }
}
