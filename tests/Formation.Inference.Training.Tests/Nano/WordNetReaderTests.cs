using Formation.Inference.Testing.Files;
using Formation.Inference.Training.Nano;

namespace Formation.Inference.Training.Tests.Nano;

public sealed class WordNetReaderTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_commonest_usable_nouns_get_the_short_form_of_their_first_gloss()
    {
        Write(
            "data.noun",
            "  1 licence text, which starts with blanks",
            "00000001 04 n 02 bank 0 bank_building 1 000 | sloping land; \"they pulled the canoe up on the bank\"  ",
            "00000002 04 n 01 bank 0 000 | a financial institution  ",
            "00000003 04 n 01 insultword 0 000 | an offensive term for somebody  ",
            "00000004 04 n 01 Paris 0 000 | the capital of France  ",
            "00000005 04 n 01 zebra 0 000 | a striped animal: found in Africa  ",
            "00000006 04 n 01 rarity 0 000 | something uncommon  ");
        Write(
            "index.noun",
            "  1 licence text",
            "bank n 2 2 @ ~ 2 1 00000001 00000002  ",
            "insultword n 1 0 1 0 00000003  ",
            "paris n 1 1 @ 1 1 00000004  ",
            "rarity n 1 0 1 0 00000006  ",
            "zebra n 1 1 @ 1 1 00000005  ");
        Write("cntlist.rev", "bank%1:17:01:: 1 20", "bank%2:40:00:: 1 90", "insultword%1:04:00:: 1 50", "paris%1:15:00:: 1 9", "zebra%1:05:00:: 1 3");

        var (definitions, others) = WordNetReader.Read(_folder.Path, 10, 10);

        Assert.Equal([new Definition("bank", "sloping land"), new Definition("zebra", "a striped animal")], definitions);
        Assert.Equal(["insultword", "rarity"], others);
    }

    private void Write(string name, params string[] lines) => File.WriteAllLines(_folder.File(name), lines);
}
