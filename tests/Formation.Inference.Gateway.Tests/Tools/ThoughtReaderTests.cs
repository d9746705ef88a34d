using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.Tests.Tools;

public sealed class ThoughtReaderTests
{
    static readonly ReasoningSyntax May = new("<think>", "</think>", "\n\n"), Open = May with { IsOpen = true };

    static (string Thought, string Answer) Read(ReasoningSyntax syntax, IEnumerable<string> pieces)
    {
        var reader = new ThoughtReader(syntax);
        (string thought, string answer) = ("", "");
        foreach (string piece in pieces)
            Add(reader.Read(piece));
        Add(reader.End());
        return (thought, answer);

        void Add((string Thought, string Answer) told) => (thought, answer) = (thought + told.Thought, answer + told.Answer);
    }

    public static TheoryData<string, bool, string, string> Texts => new()
    {
        { "<think>\nHm.\nYes.\n</think>\n\nSo it is.", false, "Hm.\nYes.", "So it is." },
        { "<think>\n\n</think>\n\nSo it is.", false, "", "So it is." },
        { "<think>Hm.</think>So it is.", false, "Hm.", "So it is." },
        { "<think>Hm.</think>\n So it is.\n", false, "Hm.", " So it is.\n" },
        { "<think>Hm.</think>\n\n\nSo it is.", false, "Hm.", "\nSo it is." },
        { "<think>Hm </thi nk> </think>\n\n<think>", false, "Hm </thi nk>", "<think>" },
        { "<think>Hm. And", false, "Hm. And", "" },
        { "<think>Hm. And </thi", false, "Hm. And </thi", "" },
        { "<think>Hm.</think>\n", false, "Hm.", "" },
        { "So <think> it is.", false, "", "So <think> it is." },
        { "<thin", false, "", "<thin" },
        { "", false, "", "" },
        { "\nHm.\n</think>\n\nSo it is.", true, "Hm.", "So it is." },
        { "Hm. <think>Well.</think>So it is.", true, "Hm. <think>Well.", "So it is." },
        { "</think>\n\nSo it is.", true, "", "So it is." },
        { "Grüße 😀</think>\n\n世界", true, "Grüße 😀", "世界" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_thought_is_told_from_the_answer_however_the_text_is_cut(string text, bool isOpen, string thought, string answer)
    {
        ReasoningSyntax syntax = isOpen ? Open : May;
        Assert.Equal((thought, answer), Read(syntax, [text]));
        Assert.Equal((thought, answer), Read(syntax, text.Select(letter => letter.ToString())));
        for (int cut = 0; cut <= text.Length; cut++)
            Assert.Equal((thought, answer), Read(syntax, [text[..cut], text[cut..]]));
    }

    [Fact]
    public void What_is_certain_is_told_at_once()
    {
        var reader = new ThoughtReader(May);
        Assert.Equal(("", ""), reader.Read("<th"));
        Assert.Equal(("Hm", ""), reader.Read("ink> Hm "));
        Assert.Equal((" well", ""), reader.Read("well</"));
        Assert.Equal(("</b", ""), reader.Read("b"));
        Assert.Equal(("", ""), reader.Read("</think>"));
        Assert.Equal(("", "\tS"), reader.Read("\tS"));
        Assert.Equal(("", "o "), reader.Read("o "));
    }

    [Fact]
    public void White_space_without_end_is_not_held_without_end()
    {
        var reader = new ThoughtReader(Open);
        reader.Read("Hm");
        Assert.Equal(2000, Enumerable.Range(0, 100).Sum(_ => reader.Read(new string('\n', 20)).Thought.Length) + reader.Read("!").Thought.Length - 1);
    }
}
