using Formation.Inference.Engine.Reasoning;

namespace Formation.Inference.Engine.Tests.Reasoning;

public sealed class ReasoningTrackerTests
{
    [Theory]
    [InlineData("<think>why</think>\n\nso", false, "so", "Answer")]
    [InlineData("<think>why</think>\nso", false, "so", "Answer")]
    [InlineData("<think>why</think>\n\n\nso", false, "\nso", "Answer")]
    [InlineData("<think>why</think>so", false, "so", "Answer")]
    [InlineData("<think></think>\n\n", false, "", "Answer")]
    [InlineData("<think>why</think>\n", false, "", "Gap")]
    [InlineData("<think><</</think</think>so", false, "so", "Answer")]
    [InlineData("<think>why</thin", false, "", "Thought")]
    [InlineData("why</think>so</think>", true, "so</think>", "Answer")]
    [InlineData("<think>again</think>so", true, "so", "Answer")]
    [InlineData("<thin", false, "", "Opening")]
    [InlineData("so", false, "so", "Answer")]
    [InlineData(" <think>so", false, " <think>so", "Answer")]
    public void A_thought_and_the_gap_behind_it_are_told_from_the_answer(string text, bool isOpen, string answer, string phase)
    {
        var tracker = new ReasoningTracker<char>([.. "<think>"], [.. "</think>"], [.. "\n\n"], isOpen);
        var taken = text.TakeWhile(letter => tracker.Take(letter)).Count();
        Assert.Equal(phase, tracker.Phase.ToString());

        // What opened like a thought and is none is all answer.
        Assert.Equal(answer, phase == "Answer" && !isOpen && !text.StartsWith("<think>", StringComparison.Ordinal) ? text : text[taken..]);
    }

    [Fact]
    public void An_end_that_repeats_its_own_beginning_is_found()
    {
        var tracker = new ReasoningTracker<char>([.. "("], [.. "aab"], [], isOpen: false);
        Assert.Equal(6, "(aaaab!".TakeWhile(letter => tracker.Take(letter)).Count());
    }

    [Fact]
    public void Without_an_opening_all_is_answer()
    {
        var tracker = new ReasoningTracker<byte>([], [], [], isOpen: false);
        Assert.False(tracker.Take(1));
    }
}
