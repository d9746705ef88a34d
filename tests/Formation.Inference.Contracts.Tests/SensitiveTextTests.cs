namespace Formation.Inference.Contracts.Tests;

public class SensitiveTextTests
{
    [Fact]
    public void Its_string_form_tells_only_the_length()
    {
        SensitiveText text = "secret";
        Assert.Equal("[redacted 6]", text.ToString());
        Assert.Equal("[redacted 6]", $"{text}");
        Assert.Equal("[redacted 0]", default(SensitiveText).ToString());
        Assert.Equal("secret", text.Value);
    }

    [Fact]
    public void Records_that_hold_it_show_no_more()
    {
        GenerationEvent delta = new GenerationDelta(0, "secret", []);
        Prompt prompt = new TextPrompt("secret");
        var message = new ChatMessage("user", "secret");
        Assert.DoesNotContain("secret", delta.ToString());
        Assert.DoesNotContain("secret", prompt.ToString());
        Assert.DoesNotContain("secret", message.ToString());
    }
}
